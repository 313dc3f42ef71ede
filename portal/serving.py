"""Configure uvicorn for the portal's processes: a server class, HTTP and websocket protocols, and settings.

Added: a connection must send the head of a request in time, and no more than a head needs; websockets of terminals are
handed to their gateway, and their messages go around ASGI; before the server stops, shells are ended, so that each
browser is told why.
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
from sshgateway.process.asgi_websocket import DIRECT_EXTENSION

log = logging.getLogger(__name__)

# Enough for a slow network, too short to keep many idle connections open.
REQUEST_SECONDS = 20.0
# Of a request's head, or of what may follow its body. Less than this always passes, with the cookies of a whole domain.
LARGEST_HEAD = 64 * 1024
HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)
LONGEST_MESSAGE = 128 * 1024
GATEWAY_UNAVAILABLE = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
)


class HTTPProtocol(HttpToolsProtocol):
    """HTTP, with limits on the head of each request: how long it may take, and how large it may be.

    The parser keeps all of a head, whatever its size. What comes between requests and after a body counts, too.
    """

    _limit: asyncio.TimerHandle | None = None
    # What has arrived since the last end of a head, part of a body or end of a request.
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Start the limit for the first request."""
        super().connection_made(transport)
        self._start_limit()

    def data_received(self, data: bytes) -> None:
        """Parse the data. Give up a connection that sends too much without getting anywhere."""
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > LARGEST_HEAD:
            self._refuse_head()
        elif self._is_idle and self._head_bytes:
            # Blank lines before a request: they have ended the wait for it, and no request has begun.
            self._start_limit()

    def on_message_begin(self) -> None:
        """Start the limit for a later request."""
        super().on_message_begin()
        self._start_limit()

    def on_headers_complete(self) -> None:
        """Stop the limit: the head has arrived."""
        self._stop_limit()
        self._head_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Note that the request gets on."""
        self._head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the request has arrived."""
        self._head_bytes = 0
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the limit."""
        self._stop_limit()
        super().connection_lost(exc)

    @property
    def _is_idle(self) -> bool:
        """Whether no response is under way."""
        return self.cycle is None or self.cycle.response_complete

    def _refuse_head(self) -> None:
        """Say why and close the connection; within a response nothing can be said."""
        if self._is_idle and not self.transport.is_closing():
            self.transport.write(HEAD_TOO_LARGE)
            self.transport.close()
        else:
            self.transport.abort()

    def _start_limit(self) -> None:
        if self._limit is None:
            self._limit = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)

    def _stop_limit(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Websockets; those of terminals are handed to their gateway, if that is another process on this machine.

    It offers its application `sshgateway.process.asgi_websocket.DirectWebsocket`.
    """

    _is_first = True
    _received: Callable[[bytes], None] | None = None
    _room: Callable[[], None] | None = None
    # Kept up to date, so that nothing is computed while a key waits: whether the library has read whole messages, and
    # whether the client does not read what it is sent.
    _is_between = _is_full = False

    def data_received(self, data: bytes) -> None:
        """Handle the request first, which arrives in one piece; then frames."""
        if self._received is not None:
            if self._is_between and self._can_pass_directly and (message := small_message(data)) is not None:
                self._received(message)
                return
        elif self._is_first:
            self._is_first = False
            name = handover.requested_gateway(data) if settings.HEADNODE_GATEWAY_SOCKETS else ""
            if name and name != settings.HEADNODE_GATEWAY_NAME:
                self._hand_over(name, data)
                return
        super().data_received(data)
        self._is_between = self._received is not None and self._is_between_messages

    def handle_connect(self, event: Request) -> None:
        """Handle the request."""
        super().handle_connect(event)
        if hasattr(self, "scope"):  # not where it was refused
            extensions = cast(dict[str, Any], self.scope["extensions"])
            extensions[DIRECT_EXTENSION] = self

    def handle_bytes(self, event: Frame) -> None:
        """Handle a binary message, or its beginning."""
        if self._received is not None and event.fin and self._can_pass_directly:
            self._received(bytes(event.data))
        else:
            super().handle_bytes(event)

    # --- DirectWebsocket
    # ----------------------------------------------------------------------------------------------

    @property
    def has_room(self) -> bool:
        """See `DirectWebsocket`."""
        return not self._is_full

    def listen(self, received: Callable[[bytes], None], room: Callable[[], None]) -> None:
        """See `DirectWebsocket`."""
        self._received, self._room = received, room
        self._is_between = self._is_between_messages

    def release(self) -> None:
        """See `DirectWebsocket`."""
        self._received = self._room = None

    def send_now(self, message: bytes) -> bool:
        """See `DirectWebsocket`."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return False
        self.transport.writelines((frame_head(len(message)), message))
        return not self._is_full

    def pause_writing(self) -> None:
        """Note that the client does not read what it is sent."""
        super().pause_writing()
        self._is_full = True

    def resume_writing(self) -> None:
        """Note that the client has read most of it."""
        super().resume_writing()
        self._is_full = False
        if self._room is not None:
            self._room()

    @property
    def _can_pass_directly(self) -> bool:
        """Whether nothing that came before is waiting, and answers could be sent."""
        return not (self.read_paused or self._is_full or self.close_sent)

    @property
    def _is_between_messages(self) -> bool:
        """Whether the library has read only whole messages, and waits for the first byte of a frame, or the end."""
        if self.conn.state is not State.OPEN or self.conn.current_size is not None:
            return False
        # A chain of generators, each waiting for the next; the innermost shows where it is.
        waiting_in: Any = self.conn.parser
        while (inner := waiting_in.gi_yieldfrom) is not None:
            waiting_in = inner
        return bool(waiting_in.__name__ == StreamReader.at_eof.__name__)

    def handle_ping(self) -> None:
        """Answer, unless the client reads no answers: they would pile up here."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def keepalive_timeout(self) -> None:
        """Drop a client that does not answer, with what is still to be sent to it."""
        super().keepalive_timeout()
        self.transport.abort()

    def _hand_over(self, name: str, request: bytes) -> None:
        self.connections.discard(self)
        own = cast(socket.socket, self.transport.get_extra_info("socket"))
        path = handover.socket_path(settings.HEADNODE_GATEWAY_SOCKETS, name)
        # The loop closes its descriptor later: the gateway gets a copy.
        descriptor = os.dup(own.fileno())
        try:
            handover.send_connection(path, descriptor, request)
        except OSError as error:
            log.warning("The gateway %s accepts no connections: %s", name, error)
            self.transport.write(GATEWAY_UNAVAILABLE)
            self.transport.close()
        else:
            self.transport.abort()
        finally:
            os.close(descriptor)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection, unless it was handed over."""
        if self in self.connections:
            super().connection_lost(exc)


def small_message(data: bytes) -> bytes | None:
    """Return the message in `data` if that is one whole binary client frame under 126 bytes (RFC 6455, 5.2), else None.

    A keystroke is one, and an acknowledgement. The library handles everything else, errors included.
    """
    size = len(data) - 6
    if not 0 <= size < 126 or data[0] != 0x82 or data[1] != 0x80 | size:
        return None
    mask = (data[2:6] * 32)[:size]
    return (int.from_bytes(data[6:], "big") ^ int.from_bytes(mask, "big")).to_bytes(size, "big")


def frame_head(size: int) -> bytes:
    """Return the header of a server's binary message of `size` bytes in one frame (RFC 6455, 5.2)."""
    if size < 126:
        return bytes((0x82, size))
    if size < 65536:
        return b"\x82\x7e" + size.to_bytes(2, "big")
    return b"\x82\x7f" + size.to_bytes(8, "big")


class Server(uvicorn.Server):
    """uvicorn's server; it ends terminals before it stops, and accepts connections from other processes."""

    def __init__(self, config: uvicorn.Config, before_stop: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._before_stop = before_stop
        self._receiver: handover.ConnectionReceiver | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, also for connections that web hands over."""
        await super().startup(sockets)
        if settings.HEADNODE_GATEWAY_NAME and settings.HEADNODE_GATEWAY_SOCKETS:
            path = handover.socket_path(settings.HEADNODE_GATEWAY_SOCKETS, settings.HEADNODE_GATEWAY_NAME)
            self._receiver = handover.ConnectionReceiver(path, self._serve_connection)
            log.info("The gateway %s accepts terminals.", settings.HEADNODE_GATEWAY_NAME)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more connections, end the shells while their browsers are still connected, then stop."""
        if self._receiver is not None:
            self._receiver.close()
        await self._before_stop()
        await super().shutdown(sockets)

    async def _serve_connection(self, connection: socket.socket, request: bytes) -> None:
        """Serve a connection that another process accepted, beginning with what was read of it."""
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        protocol = WebSocketProtocol(self.config, self.server_state, self.lifespan.state)
        await asyncio.get_running_loop().connect_accepted_socket(lambda: protocol, connection)
        protocol.data_received(request)


def preload(config: uvicorn.Config) -> None:
    """Load the application before it is served, for a process that does nothing else.

    What was loaded stays for ever: collecting garbage in it again and again would delay keystrokes.
    """
    config.load()
    gc.collect()
    gc.freeze()


def config(application: str | Callable[..., Any], **changes: Any) -> uvicorn.Config:
    """Return the configuration of every process. `auto` is uvloop, except on systems without it."""
    return uvicorn.Config(
        application,
        loop="auto",
        http=HTTPProtocol,
        ws=WebSocketProtocol,
        log_config=None,  # logging is configured by Django
        access_log=False,
        lifespan="on",
        proxy_headers=False,  # accounts.source_address reads forwarding headers, from trusted proxies only
        server_header=False,
        ws_per_message_deflate=False,
        ws_max_size=LONGEST_MESSAGE,
        timeout_graceful_shutdown=2,
        **changes,
    )
