"""One websocket as an object: `connect`, `receive`, `disconnect`. What Channels' consumer does, without its way there.

A consumer of Channels brings a task, a channel and a subscription for each socket, and three hops between tasks for
each frame. A terminal's keystroke should not wait for them, and an idle terminal not pay for them. ASGI itself has a
queue and a task each way; our servers offer a way around those, too (`Direct`).
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

NO_CODE = 1005
# Where a server offers `Direct`, among the scope's extensions.
DIRECT = "headnode.direct"


class Direct(Protocol):
    """A websocket's short way to its server: messages pass in the call in which they come. On the event loop only."""

    @property
    def has_room(self) -> bool:
        """Whether the client reads what it is sent. What is sent without room piles up here."""

    def listen(self, received: Callable[[bytes], None], room: Callable[[], None]) -> None:
        """From now on binary messages go to `received`, behind those that ASGI has not handed out yet.

        While there is no room, they take the way through ASGI. `room` is called when there is some again.
        """

    def release(self) -> None:
        """Everything comes through ASGI again."""

    def send_now(self, message: bytes) -> bool:
        """Send a binary message; answers whether there is room for more. After the close nothing is sent."""


class Socket:
    """Subclass it. Everything runs in the socket's one task, but for what a subclass starts itself."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope = scope
        self.direct: Direct | None = scope.get("extensions", {}).get(DIRECT)
        self._pass_on = send
        self._closed = False

    @classmethod
    def as_asgi(cls) -> Application:
        """An ASGI application: one object for each websocket."""

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await cls(scope, send)._live(receive)

        return application

    async def connect(self) -> None:
        """Somebody knocks: `accept` or `close`."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """A message came."""

    async def disconnect(self, code: int) -> None:
        """The socket is gone."""

    async def accept(self, subprotocol: str | None = None) -> None:
        """Open it."""
        await self._pass_on({"type": "websocket.accept", "subprotocol": subprotocol, "headers": []})

    async def send(self, bytes_data: bytes) -> None:
        """Send a binary message. After `close` nothing is sent."""
        if not self._closed:
            await self._pass_on({"type": "websocket.send", "bytes": bytes_data})

    async def close(self, code: int, reason: str = "") -> None:
        """Close it. Idempotent."""
        if not self._closed:
            self._closed = True
            await self._pass_on({"type": "websocket.close", "code": code, "reason": reason})

    async def _live(self, receive: Receive) -> None:
        code = NO_CODE
        try:
            while True:
                message = await receive()
                kind = message["type"]
                if kind == "websocket.receive":
                    await self.receive(message.get("text"), message.get("bytes"))
                elif kind == "websocket.connect":
                    await self.connect()
                else:
                    code = message.get("code") or NO_CODE
                    return
        finally:
            self._closed = True
            await self.disconnect(code)
