"""How the portal's processes serve HTTP and websockets: uvicorn, with what we expect of it and what we add.

Added: a connection must bring a whole request in time; terminals' websockets are passed to their gateway, and their
messages take a short way; before the server stops, shells are ended, so that each browser reads why.
"""

import asyncio
import gc
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any, cast

import uvicorn
from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.protocol import State
from websockets.streams import StreamReader

from portal import handover
from sshgateway.process.asgi_websocket import DIRECT

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
    """Websockets; those of terminals go to their gateway, if that is another process on this machine.

    Offers its application `sshgateway.process.asgi_websocket.Direct`.
    """

    _first = True
    _received: Callable[[bytes], None] | None = None
    _room: Callable[[], None] | None = None
    # Kept up to date, so that nothing is worked out while a key waits: whether the library stands between two messages,
    # and whether the client does not read what it is sent.
    _between = _full = False

    def data_received(self, data: bytes) -> None:
        """The request first, in one piece; then frames."""
        if self._received is not None:
            if self._between and self._takes_directly and (message := small_message(data)) is not None:
                self._received(message)
                return
        elif self._first:
            self._first = False
            name = handover.gateway_of(data) if settings.HEADNODE_GATEWAY_SOCKETS else ""
            if name and name != settings.HEADNODE_GATEWAY_NAME:
                self._pass_on(name, data)
                return
        super().data_received(data)
        self._between = self._received is not None and self._is_between_messages

    def handle_connect(self, event: Request) -> None:
        """The request."""
        super().handle_connect(event)
        if hasattr(self, "scope"):  # not where it was refused
            extensions = cast(dict[str, Any], self.scope["extensions"])
            extensions[DIRECT] = self

    def handle_bytes(self, event: Frame) -> None:
        """A binary message, or its beginning."""
        if self._received is not None and event.fin and self._takes_directly:
            self._received(bytes(event.data))
        else:
            super().handle_bytes(event)

    # --- Direct
    # ----------------------------------------------------------------------------------------------

    @property
    def has_room(self) -> bool:
        """See `Direct`."""
        return not self._full

    def listen(self, received: Callable[[bytes], None], room: Callable[[], None]) -> None:
        """See `Direct`."""
        self._received, self._room = received, room
        self._between = self._is_between_messages

    def release(self) -> None:
        """See `Direct`."""
        self._received = self._room = None

    def send_now(self, message: bytes) -> bool:
        """See `Direct`."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return False
        self.transport.writelines((frame_head(len(message)), message))
        return not self._full

    def pause_writing(self) -> None:
        """The client does not read what it is sent."""
        super().pause_writing()
        self._full = True

    def resume_writing(self) -> None:
        """The client has read most of it."""
        super().resume_writing()
        self._full = False
        if self._room is not None:
            self._room()

    @property
    def _takes_directly(self) -> bool:
        """Whether nothing waits that came before, and answers could be sent."""
        return not (self.read_paused or self._full or self.close_sent)

    @property
    def _is_between_messages(self) -> bool:
        """Whether the library has read whole messages so far: then it waits for a frame's first byte, or the end."""
        if self.conn.state is not State.OPEN or self.conn.current_size is not None:
            return False
        # Generators, each waiting for the next; the innermost is where it stands.
        waits_in: Any = self.conn.parser
        while (inner := waits_in.gi_yieldfrom) is not None:
            waits_in = inner
        return bool(waits_in.__name__ == StreamReader.at_eof.__name__)

    def handle_ping(self) -> None:
        """Answer; but whoever reads no answers gets none, or they would pile up here."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def keepalive_timeout(self) -> None:
        """Nobody is there any more; nor will anybody take what is still to be sent."""
        super().keepalive_timeout()
        self.transport.abort()

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


def small_message(data: bytes) -> bytes | None:
    """The message in `data`, where that is one whole binary frame of a client with less than 126 bytes (RFC 6455, 5.2).

    A keystroke is, and an acknowledgement. For everything else, mistakes included, there is the library.
    """
    size = len(data) - 6
    if not 0 <= size < 126 or data[0] != 0x82 or data[1] != 0x80 | size:
        return None
    mask = (data[2:6] * 32)[:size]
    return (int.from_bytes(data[6:], "big") ^ int.from_bytes(mask, "big")).to_bytes(size, "big")


def frame_head(size: int) -> bytes:
    """What stands before `size` bytes of a server's binary message in one frame (RFC 6455, 5.2)."""
    if size < 126:
        return bytes((0x82, size))
    if size < 65536:
        return b"\x82\x7e" + size.to_bytes(2, "big")
    return b"\x82\x7f" + size.to_bytes(8, "big")


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
            log.info("The gateway %s takes terminals.", settings.HEADNODE_GATEWAY_NAME)

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


def load(config: uvicorn.Config) -> None:
    """Load the application before it is served, for a process that does nothing else.

    All of it stays: looking through it for garbage again and again would hold keystrokes up.
    """
    config.load()
    gc.collect()
    gc.freeze()


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
