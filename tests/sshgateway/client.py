"""A client of the terminal protocol, written from docs/terminal-protocol.md, for tests."""

import asyncio
import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Self

import websockets
from websockets.asyncio.client import ClientConnection, connect

from sshgateway.terminals.frames import (
    Ack,
    ClientFrame,
    Close,
    Ended,
    Hello,
    Idle,
    Input,
    InputAck,
    Notice,
    Output,
    Pong,
    Presence,
    Ready,
    Resize,
    decode_server,
    encode_client,
)
from tests.waiting import LIMIT


class Client:
    """Attaches, acknowledges what it receives (unless `acknowledging` is off) and keeps it."""

    def __init__(
        self, url: str, token: str, offset: int = 0, cols: int = 80, rows: int = 24, says_hello: bool = True
    ) -> None:
        self.url, self.token = url, token
        self.says_hello = says_hello
        self.hello = Hello(offset, cols, rows)
        self.offset = offset
        self.output = b""
        self.ready: Ready | None = None
        self.end: Ended | None = None
        self.notices: list[str] = []
        self.presence: Presence | None = None
        self.idle: list[int | None] = []
        self.pongs: list[bytes] = []
        self.typed = 0
        self.input_acked = 0
        self.acknowledging = True
        self.close_code: int | None = None
        self.close_reason = ""
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Token {self.token}"}
        self.socket: ClientConnection = await connect(
            # Neither limit is what a test is about: a machine under load opens and answers late.
            self.url,
            additional_headers=headers,
            compression=None,
            max_size=None,
            open_timeout=LIMIT,
            ping_interval=None,
        )
        self._receiving = asyncio.create_task(self._receive())
        if self.says_hello:
            with contextlib.suppress(websockets.ConnectionClosed):  # refused already; the close code says why
                await self.send(self.hello)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.socket.close()
        await self._receiving

    async def send(self, *frames: ClientFrame) -> None:
        for frame in frames:
            await self.socket.send(encode_client(frame))

    async def type(self, text: str | bytes) -> None:
        data = text.encode() if isinstance(text, str) else text
        self.typed += len(data)
        await self.send(Input(data))

    async def resize(self, cols: int, rows: int) -> None:
        await self.send(Resize(cols, rows))

    async def close_shell(self) -> None:
        await self.send(Close())

    async def until(self, condition: Callable[["Client"], object], what: str, limit: float = LIMIT) -> None:
        """Wait until `condition(self)` is true; it is checked whenever something arrives."""
        try:
            async with asyncio.timeout(limit), self._changed:
                await self._changed.wait_for(lambda: condition(self))
        except TimeoutError:
            raise AssertionError(
                f"Not within {limit:g} s: {what}; got {self.output[-300:]!r} end {self.end} "
                f"close {self.close_code} {self.close_reason}"
            ) from None

    async def until_ready(self) -> Ready:
        await self.until(lambda c: c.ready or c.close_code, "READY")
        assert self.ready is not None, (self.end, self.close_code, self.close_reason)
        return self.ready

    async def until_output(self, text: str, limit: float = LIMIT) -> None:
        await self.until(lambda c: text.encode() in c.output, f"{text!r} in the output", limit)

    async def until_closed(self, limit: float = LIMIT) -> None:
        await self.until(lambda c: c.close_code is not None, "the socket closes", limit)

    async def run(self, command: str, answer: str, limit: float = LIMIT) -> None:
        """Type a command and wait for its output, which the command itself must not contain."""
        await self.type(command + "\n")
        await self.until_output(answer, limit)

    async def _receive(self) -> None:
        try:
            async for message in self.socket:
                assert isinstance(message, bytes)
                await self._handle(message)
        except websockets.ConnectionClosed:
            pass
        async with self._changed:
            self.close_code, self.close_reason = self.socket.close_code, self.socket.close_reason or ""
            self._changed.notify_all()

    async def _handle(self, message: bytes) -> None:
        frame = decode_server(message)
        match frame:
            case Output(offset, data):
                assert offset == self.offset, f"expected offset {self.offset}, got {offset}"
                self.offset += len(data)
                self.output += data
                if self.acknowledging:
                    # The server may have closed already; what it sent before that is still to be read.
                    with contextlib.suppress(websockets.ConnectionClosed):
                        await self.send(Ack(self.offset))
            case Ready():
                self.ready = frame
                self.offset = frame.offset
            case Ended():
                self.end = frame
            case Notice(text):
                self.notices.append(text)
            case Presence():
                self.presence = frame
            case Idle(seconds_left):
                self.idle.append(seconds_left)
            case Pong(payload):
                self.pongs.append(payload)
            case InputAck(total):
                self.input_acked = total
        async with self._changed:
            self._changed.notify_all()
