"""How the portal's processes serve HTTP and websockets: uvicorn, with what we expect of it and what we add.

Added: a connection must bring a whole request in time; terminals' websockets are passed to their gateway; before the
server stops, shells are ended, so that each browser reads why.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any, cast

import uvicorn
from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from portal import handover

log = logging.getLogger(__name__)

# Longer than a slow line needs, too short to hold many connections open with nothing.
REQUEST_SECONDS = 20.0
LONGEST_MESSAGE = 128 * 1024
NO_GATEWAY = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
)


class Http(HttpToolsProtocol):
    """HTTP, with a limit on how long a connection may take for its first request."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Somebody connected."""
        super().connection_made(transport)
        self._late = self.loop.call_later(REQUEST_SECONDS, transport.abort)

    def on_headers_complete(self) -> None:
        """They said what they want."""
        self._in_time()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """They left."""
        self._in_time()
        super().connection_lost(exc)

    def _in_time(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


class Websocket(WebSocketsSansIOProtocol):
    """Websockets; those of terminals go to their gateway, if that is another process on this machine."""

    _first = True

    def data_received(self, data: bytes) -> None:
        """The request first, in one piece; then frames."""
        if self._first:
            self._first = False
            name = handover.gateway_of(data) if settings.HEADNODE_GATEWAY_SOCKETS else ""
            if name and name != settings.HEADNODE_GATEWAY_NAME:
                self._pass_on(name, data)
                return
        super().data_received(data)

    def handle_ping(self) -> None:
        """Answer; but whoever reads no answers gets none, or they would pile up here."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def _pass_on(self, name: str, request: bytes) -> None:
        self.connections.discard(self)
        mine = cast(socket.socket, self.transport.get_extra_info("socket"))
        path = handover.path_of(settings.HEADNODE_GATEWAY_SOCKETS, name)
        # The loop forgets the connection at a moment of its own: what the gateway gets is one more hold on it.
        number = os.dup(mine.fileno())
        try:
            handover.pass_on(path, number, request)
        except OSError as error:
            log.warning("The gateway %s takes no connections: %s", name, error)
            self.transport.write(NO_GATEWAY)
            self.transport.close()
        else:
            self.transport.abort()
        finally:
            os.close(number)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, or somebody else's."""
        if self in self.connections:
            super().connection_lost(exc)


class Server(uvicorn.Server):
    """uvicorn's server, which says goodbye first and can take connections that others accepted."""

    def __init__(self, config: uvicorn.Config, goodbye: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._goodbye = goodbye
        self._receiver: handover.Receiver | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        if settings.HEADNODE_GATEWAY_NAME and settings.HEADNODE_GATEWAY_SOCKETS:
            path = handover.path_of(settings.HEADNODE_GATEWAY_SOCKETS, settings.HEADNODE_GATEWAY_NAME)
            self._receiver = handover.Receiver(path, self._take)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more, end the shells while their browsers are still there to read it, then the rest."""
        if self._receiver is not None:
            self._receiver.close()
        await self._goodbye()
        await super().shutdown(sockets)

    async def _take(self, connection: socket.socket, request: bytes) -> None:
        """Serve a connection another process accepted, beginning with what was read of it."""
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        protocol = Websocket(self.config, self.server_state, self.lifespan.state)
        await asyncio.get_running_loop().connect_accepted_socket(lambda: protocol, connection)
        protocol.data_received(request)


def config(application: str | Callable[..., Any], **changes: Any) -> uvicorn.Config:
    """What every process is served with; `auto` is uvloop, but on systems that have none."""
    return uvicorn.Config(
        application,
        loop="auto",
        http=Http,
        ws=Websocket,
        log_config=None,  # Django's logging is ours
        access_log=False,
        lifespan="on",
        proxy_headers=False,  # accounts.source_address reads forwarding headers, from trusted proxies only
        server_header=False,
        ws_per_message_deflate=False,
        ws_max_size=LONGEST_MESSAGE,
        timeout_graceful_shutdown=2,
        **changes,
    )
