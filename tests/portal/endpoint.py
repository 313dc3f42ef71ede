"""A websocket of our server on a real socket; a test passes its bytes to the server in pieces of its choice."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode

from portal import serving
from sshgateway.process.asgi_websocket import DIRECT_EXTENSION, DirectWebsocket
from tests.waiting import LIMIT

REQUEST = (
    b"GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def frame(data: bytes, opcode: Opcode = Opcode.BINARY, *, fin: bool = True, mask: bool = True) -> bytes:
    """Return a frame as a client's library writes it."""
    return Frame(opcode, data, fin).serialize(mask=mask)


@dataclass
class Endpoint:
    """Both ends of a connection, and what reached the application."""

    protocol: serving.WebSocketProtocol
    client: socket.socket
    direct: DirectWebsocket
    # ("direct" or "asgi", message), in order
    got: list[tuple[str, bytes | str]] = field(default_factory=list)

    def comes(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.protocol.data_received(piece)

    def listen(self, room: Callable[[], None] = lambda: None) -> None:
        self.direct.listen(lambda message: self.got.append(("direct", message)), room)

    @property
    def unsent(self) -> int:
        """How many bytes wait in this process for the client to read."""
        return self.protocol.transport.get_write_buffer_size()

    async def all_came(self, count: int) -> list[tuple[str, bytes | str]]:
        async with asyncio.timeout(LIMIT):
            while len(self.got) < count:
                await asyncio.sleep(0)
        return self.got


@asynccontextmanager
async def connected() -> AsyncIterator[Endpoint]:
    """Yield an accepted websocket; messages through ASGI are kept, too."""
    ready: asyncio.Future[DirectWebsocket] = asyncio.get_running_loop().create_future()
    got: list[tuple[str, bytes | str]] = []

    async def application(
        scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        ready.set_result(scope["extensions"][DIRECT_EXTENSION])
        while (message := await receive())["type"] == "websocket.receive":
            got.append(("asgi", message.get("bytes") or message.get("text")))

    config = serving.config(application)
    config.load()
    mine, theirs = socket.socketpair()
    mine.setblocking(False)
    protocol = serving.WebSocketProtocol(config, ServerState(), {})
    await asyncio.get_running_loop().connect_accepted_socket(lambda: protocol, mine)
    protocol.data_received(REQUEST)
    async with asyncio.timeout(LIMIT):
        endpoint = Endpoint(protocol, theirs, await ready, got)
    try:
        yield endpoint
    finally:
        theirs.close()
        protocol.transport.abort()
        await asyncio.gather(*protocol.tasks)
