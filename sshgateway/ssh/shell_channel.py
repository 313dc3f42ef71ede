"""A login shell on the far end: a session channel (RFC 4254) of a `Line`, driven by the event loop. Never waits.

What it prints goes to its listener at once; how much it may print ahead is its window, which starts at a given size
and is opened by `grant` only. What is typed goes out as far as the far end's window lets it.
"""

import asyncio
import contextlib
import struct
from collections import deque
from typing import Protocol

from sshgateway.ssh.errors import ChannelRefused

OPEN, CONFIRMATION, FAILURE, WINDOW_ADJUST, DATA, EXTENDED_DATA = 90, 91, 92, 93, 94, 95
EOF, CLOSE, REQUEST, REQUEST_SUCCESS, REQUEST_FAILURE = 96, 97, 98, 99, 100
LONGEST_DATA = 32 * 1024
# A channel may be closed long after its output ended, when something holds on to the terminal.
AFTER_EOF_SECONDS = 2.0
# A far end that does not close after us, maybe because of what still runs there, is not waited for.
AFTER_CLOSE_SECONDS = 10.0
_TWO, _THREE = struct.Struct(">BI"), struct.Struct(">BII")


class Carrier(Protocol):
    """The line under a shell, as far as the shell needs it."""

    active: bool
    lost: asyncio.Event

    @property
    def last_words(self) -> str: ...
    @property
    def has_room(self) -> bool: ...
    def send(self, payload: bytes) -> None: ...
    def forget(self, shell: "Shell") -> None: ...


class Listener(Protocol):
    """Who has the shell. Called on the event loop; must not wait."""

    def shell_printed(self, data: bytes) -> None:
        """Output, in order."""

    def shell_writable(self) -> None:
        """The far end takes input again."""

    def shell_over(self) -> None:
        """There will be no more output. Called once."""


class Shell:
    """One shell. `Line.open_shell` makes it; `start` names its listener."""

    def __init__(self, line: Carrier, number: int, window: int) -> None:
        self._line = line
        self.number = number
        self._peer = 0
        self._window = window
        self._out_window = self._out_longest = 0
        self._parts: list[bytes] = []
        self._listener: Listener | None = None
        self._answers: deque[asyncio.Future[None]] = deque()
        self._status: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._is_over = self._close_sent = self._open = self._has_left = False
        self._after_eof: asyncio.TimerHandle | None = None
        self._after_close: asyncio.TimerHandle | None = None

    def start(self, listener: Listener) -> None:
        """Tell `listener` everything from now on, and first what came meanwhile."""
        self._listener = listener
        self.hand_on()
        if self._is_over:
            listener.shell_over()

    def grant(self, size: int) -> None:
        """Let it print so many bytes more."""
        if self._open and not self._close_sent:
            self._window += size
            self._line.send(_THREE.pack(WINDOW_ADJUST, self._peer, size))

    def write(self, data: bytes) -> int:
        """Pass input on; answers how much was taken: 0 when the far end takes no more for now, -1 when it is gone."""
        if self._is_over or self._close_sent or not self._line.active:
            return -1
        if not self._line.has_room:
            return 0
        part = data[: min(self._out_window, self._out_longest)]
        if part:
            self._out_window -= len(part)
            self._line.send(_THREE.pack(DATA, self._peer, len(part)) + part)
        return len(part)

    def resize(self, cols: int, rows: int) -> None:
        """Tell the far end the terminal's new size."""
        self._request(b"window-change", struct.pack(">IIII", cols, rows, 0, 0), answer=False)

    async def exit_status(self, timeout: float = 2.0) -> int | None:
        """The exit status, once the output has ended; None when there is none (killed, line broken)."""
        status = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                status = await asyncio.shield(self._status)
        if status is None and self._line.active:
            # Killed, maybe with its whole node: then the line goes in a moment, too.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._line.lost.wait()
        return status

    @property
    def connected(self) -> bool:
        """Whether the line under the shell still stands."""
        return self._line.active

    @property
    def last_words(self) -> str:
        """What the node said when it hung up."""
        return self._line.last_words

    def close(self) -> None:
        """Hang up. Idempotent. The listener hears nothing more."""
        self._listener = None
        self._parts.clear()
        self._send_close()
        if self._after_close is None and not self._has_left:
            self._after_close = asyncio.get_running_loop().call_later(
                AFTER_CLOSE_SECONDS, self._line.forget, self
            )
        self._end()

    # --- opening
    # ---------------------------------------------------------------------------------------------

    async def open(self, cols: int, rows: int, term: str) -> None:
        """Ask for channel, terminal and shell. Raises ChannelRefused."""
        sizes = struct.pack(">III", self.number, self._window, LONGEST_DATA)
        self._line.send(bytes((OPEN,)) + _text(b"session") + sizes)
        await self._expect()
        size = struct.pack(">IIII", cols, rows, 0, 0)
        # Both at once: one way there and back less.
        self._request(b"pty-req", _text(term.encode()) + size + _text(b""), answer=True)
        self._request(b"shell", b"", answer=True)
        await asyncio.gather(self._expect(), self._expect())

    def _expect(self) -> "asyncio.Future[None]":
        answer = asyncio.get_running_loop().create_future()
        self._answers.append(answer)
        return answer

    def _request(self, kind: bytes, more: bytes, *, answer: bool) -> None:
        if not self._close_sent:
            self._line.send(_TWO.pack(REQUEST, self._peer) + _text(kind) + bytes((answer,)) + more)

    # --- what the line calls
    # ---------------------------------------------------------------------------------

    def take(self, data: bytes) -> None:
        """Output. Raises ValueError where the far end sends more than it may."""
        self._window -= len(data)
        if self._window < 0:
            raise ValueError("more than the window allows")
        if data and not self._close_sent:
            self._parts.append(data)

    def hand_on(self) -> None:
        """Give the listener what was taken."""
        if self._parts and self._listener is not None:
            data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            self._parts.clear()
            self._listener.shell_printed(data)

    def room(self) -> None:
        """The line takes input again."""
        if self._listener is not None:
            self._listener.shell_writable()

    def message(self, kind: int, payload: bytes) -> None:
        """A message for this channel, behind the channel's number."""
        if kind == WINDOW_ADJUST:
            was_shut = self._out_window == 0
            self._out_window += int.from_bytes(payload[:4], "big")
            if was_shut:
                self.room()
        elif kind == EXTENDED_DATA:
            self.take(payload[8:])  # a terminal has no stderr; whoever sends it all the same is heard
            self.hand_on()
        elif kind == REQUEST:
            self._take_request(payload)
        elif kind == EOF and self._after_eof is None:
            loop = asyncio.get_running_loop()
            self._after_eof = loop.call_later(AFTER_EOF_SECONDS, self._end)
        elif kind == CLOSE:
            self._send_close()
            self._leave("it closed the channel")
        elif kind == CONFIRMATION:
            self._peer, self._out_window, longest = struct.unpack(">III", payload[:12])
            self._out_longest = min(longest, LONGEST_DATA)
            self._open = True
            if self._is_over:  # given up meanwhile
                self._send_close()
            self._reply(None)
        elif kind == FAILURE:
            size = int.from_bytes(payload[4:8], "big")
            words = payload[8 : 8 + min(size, 200)].decode("utf-8", "replace")
            self._leave("".join(c for c in words if c.isprintable()) or "no channel")
        elif kind == REQUEST_SUCCESS:
            self._reply(None)
        elif kind == REQUEST_FAILURE:
            self._reply(ChannelRefused("no terminal, or no shell"))

    def line_lost(self) -> None:
        """The line broke."""
        self._leave("the connection broke")

    def _take_request(self, payload: bytes) -> None:
        size = int.from_bytes(payload[:4], "big")
        kind, rest = payload[4 : 4 + size], payload[4 + size :]
        if kind == b"exit-status" and not self._status.done():
            self._status.set_result(int.from_bytes(rest[1:5], "big"))
        elif kind == b"exit-signal" and not self._status.done():
            self._status.set_result(None)
        if rest[:1] == b"\x01":
            self._line.send(_TWO.pack(REQUEST_FAILURE, self._peer))

    def _reply(self, error: Exception | None) -> None:
        answer = self._answers.popleft() if self._answers else None
        if answer is None or answer.done():
            return
        if error is None:
            answer.set_result(None)
        else:
            answer.set_exception(error)

    def _send_close(self) -> None:
        if self._open and not self._close_sent:
            self._close_sent = True
            self._line.send(_TWO.pack(CLOSE, self._peer))

    def _leave(self, why: str) -> None:
        """Nothing more comes from the far end."""
        self._has_left = True
        if self._after_close is not None:
            self._after_close.cancel()
        while self._answers:
            self._reply(ChannelRefused(why))
        self._line.forget(self)
        self._end()

    def _end(self) -> None:
        if self._after_eof is not None:
            self._after_eof.cancel()
        if self._is_over:
            return
        self._is_over = True
        if not self._status.done() and (self._close_sent or not self._line.active):
            self._status.set_result(None)
        if self._listener is not None:
            self.hand_on()
            self._listener.shell_over()


def _text(text: bytes) -> bytes:
    return len(text).to_bytes(4, "big") + text
