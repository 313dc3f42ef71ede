"""A websocket as an ASGI application: `connect`, `receive`, `disconnect`, and a direct way around ASGI for messages.

A Channels consumer costs a task, a channel and a subscription per socket, and three hops between tasks per frame. A
keystroke should not wait for them, and an idle terminal should not pay for them. ASGI itself has a queue and a task
each way; our servers offer a way around those, too (`DirectWebsocket`).
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

NO_CODE = 1005
# The key of a server's `DirectWebsocket` among the scope's extensions.
DIRECT_EXTENSION = "headnode.direct"


class DirectWebsocket(Protocol):
    """A websocket that passes messages in the call in which they arrive. Use it on the event loop only."""

    @property
    def has_room(self) -> bool:
        """Whether the client reads what it is sent. What is sent without room piles up here."""

    def listen(self, received: Callable[[bytes], None], room: Callable[[], None]) -> None:
        """Pass binary messages to `received` from now on, after those that ASGI has not handed out yet.

        While there is no room they go through ASGI. `room` is called when there is some again.
        """

    def release(self) -> None:
        """Pass everything through ASGI again."""

    def send_now(self, message: bytes) -> bool:
        """Send a binary message; return whether there is room for more. After the close nothing is sent."""


class ASGIWebsocket:
    """Base class of a websocket's application. One task per socket runs everything that a subclass does not start."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope = scope
        self.direct: DirectWebsocket | None = scope.get("extensions", {}).get(DIRECT_EXTENSION)
        self._asgi_send = send
        self._closed = False

    @classmethod
    def as_asgi(cls) -> Application:
        """Return an ASGI application that makes one object for each websocket."""

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await cls(scope, send)._serve_socket(receive)

        return application

    async def connect(self) -> None:
        """Called on the handshake; must `accept` or `close`."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Called for each message that comes through ASGI."""

    async def disconnect(self, code: int) -> None:
        """Called when the socket is closed, by either side."""

    async def accept(self, subprotocol: str | None = None) -> None:
        """Accept the handshake."""
        await self._asgi_send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": []})

    async def send(self, bytes_data: bytes) -> None:
        """Send a binary message. After `close` nothing is sent."""
        if not self._closed:
            await self._asgi_send({"type": "websocket.send", "bytes": bytes_data})

    async def close(self, code: int, reason: str = "") -> None:
        """Close the socket. Idempotent."""
        if not self._closed:
            self._closed = True
            await self._asgi_send({"type": "websocket.close", "code": code, "reason": reason})

    async def _serve_socket(self, receive: Receive) -> None:
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
