"""A login shell on a node: one SSH session channel (RFC 4254), driven by the event loop. Never blocks.

Output goes to the listener at once. How much the shell may print ahead is its window, which starts at a given size and
grows only by `grant`. Input goes out as far as the node's window allows.
"""

import asyncio
import contextlib
import logging
import struct
from collections import deque
from collections.abc import Callable
from typing import Protocol

from sshgateway.ssh.errors import ChannelRefused, ProtocolError

log = logging.getLogger(__name__)

OPEN, CONFIRMATION, FAILURE, WINDOW_ADJUST, DATA, EXTENDED_DATA = 90, 91, 92, 93, 94, 95
EOF, CLOSE, REQUEST, REQUEST_SUCCESS, REQUEST_FAILURE = 96, 97, 98, 99, 100
LONGEST_DATA = 32 * 1024
LONGEST_REFUSAL = 200
# A channel may stay open long after its output ended, when a process holds on to the terminal.
AFTER_EOF_SECONDS = 2.0
# How long to wait for the node to close the channel after we did.
AFTER_CLOSE_SECONDS = 10.0
# A shell that was killed with its node: the connection breaks a moment after the channel.
CONNECTION_LOSS_SECONDS = 1.0
_TWO, _THREE = struct.Struct(">BI"), struct.Struct(">BII")
_CONFIRMATION = struct.Struct(">III")


class ChannelCarrier(Protocol):
    """The connection under a shell, as far as the shell needs it (`SSHConnection`)."""

    active: bool
    failed: bool
    lost: asyncio.Event

    @property
    def disconnect_message(self) -> str: ...
    @property
    def has_room(self) -> bool: ...
    def send(self, payload: bytes) -> None: ...
    def release(self, shell: "ShellChannel") -> None: ...


class ShellListener(Protocol):
    """The owner of a shell. Called on the event loop; must not block."""

    def shell_printed(self, data: bytes) -> None:
        """Called with output, in order."""

    def shell_writable(self) -> None:
        """Called when the node accepts input again."""

    def shell_over(self) -> None:
        """Called once, when there will be no more output."""


class ShellChannel:
    """One shell. `SSHConnection.open_shell` makes it; `start` names its listener."""

    def __init__(self, connection: ChannelCarrier, number: int, window: int) -> None:
        self._connection = connection
        self.number = number
        self._peer_number = 0
        self._window = window
        self._send_window = self._longest_send = 0
        self._output: list[bytes] = []
        self._listener: ShellListener | None = None
        self._replies: deque[asyncio.Future[None]] = deque()
        self._status: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._is_over = self._close_sent = self._is_open = self._is_released = self._failed = False
        self._after_eof: asyncio.TimerHandle | None = None
        self._after_close: asyncio.TimerHandle | None = None

    def start(self, listener: ShellListener) -> None:
        """Deliver everything to `listener` from now on, beginning with what arrived before."""
        self._listener = listener
        self.deliver_output()
        if self._is_over:
            listener.shell_over()

    def grant(self, size: int) -> None:
        """Let the shell print `size` bytes more."""
        if self._is_open and not self._close_sent:
            self._window += size
            self._connection.send(_THREE.pack(WINDOW_ADJUST, self._peer_number, size))

    def write(self, data: bytes) -> int:
        """Send input; return how many bytes were accepted: 0 while the node accepts none, -1 when it is gone."""
        if self._is_over or self._close_sent or not self._connection.active:
            return -1
        if not self._connection.has_room:
            return 0
        part = data[: min(self._send_window, self._longest_send)]
        if part:
            self._send_window -= len(part)
            self._connection.send(_THREE.pack(DATA, self._peer_number, len(part)) + part)
        return len(part)

    def resize(self, cols: int, rows: int) -> None:
        """Tell the node the new size of the terminal."""
        self._request(b"window-change", struct.pack(">IIII", cols, rows, 0, 0), want_reply=False)

    async def exit_status(self, timeout: float = 2.0) -> int | None:
        """Return the exit status once the output has ended; None if there is none (killed, connection broken)."""
        status = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                status = await asyncio.shield(self._status)
        if status is None and self._connection.active and not self._failed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CONNECTION_LOSS_SECONDS):
                    await self._connection.lost.wait()
        return status

    @property
    def connected(self) -> bool:
        """Whether the connection under the shell still works."""
        return self._connection.active

    @property
    def failed(self) -> bool:
        """Whether a fault in the portal's own code ended the shell, or the connection under it."""
        return self._failed or self._connection.failed

    @property
    def disconnect_message(self) -> str:
        """What the node said when it hung up; empty if it said nothing."""
        return self._connection.disconnect_message

    def close(self) -> None:
        """Hang up. Idempotent. The listener is called no more."""
        self._listener = None
        self._output.clear()
        self._close_channel()
        self._end()

    # --- opening
    # ---------------------------------------------------------------------------------------------

    async def open(self, cols: int, rows: int, term: str) -> None:
        """Request channel, terminal and shell. Raises ChannelRefused."""
        sizes = struct.pack(">III", self.number, self._window, LONGEST_DATA)
        self._connection.send(bytes((OPEN,)) + _string(b"session") + sizes)
        await self._expect_reply()
        size = struct.pack(">IIII", cols, rows, 0, 0)
        # Both at once: that saves a round trip.
        self._request(b"pty-req", _string(term.encode()) + size + _string(b""), want_reply=True)
        self._request(b"shell", b"", want_reply=True)
        await asyncio.gather(self._expect_reply(), self._expect_reply())

    def _expect_reply(self) -> "asyncio.Future[None]":
        reply = asyncio.get_running_loop().create_future()
        self._replies.append(reply)
        return reply

    def _request(self, kind: bytes, details: bytes, *, want_reply: bool) -> None:
        if not self._close_sent:
            head = _TWO.pack(REQUEST, self._peer_number) + _string(kind) + bytes((want_reply,))
            self._connection.send(head + details)

    # --- called by the connection
    # ---------------------------------------------------------------------------------

    def receive_output(self, data: bytes) -> None:
        """Keep output until `deliver_output`. Raises ProtocolError if the node sends more than it was granted."""
        self._window -= len(data)
        if self._window < 0:
            raise ProtocolError("The node sent more than the window allows.")
        if data and not self._close_sent:
            self._output.append(data)

    def deliver_output(self) -> None:
        """Give the listener what was received, in one piece."""
        if self._output and self._listener is not None:
            data = self._output[0] if len(self._output) == 1 else b"".join(self._output)
            self._output.clear()
            try:
                self._listener.shell_printed(data)
            except Exception:  # a fault of ours: this shell ends, the others on the connection do not
                log.exception("A fault in the portal ended a shell: its output could not be handled.")
                self._fail()

    def tell_writable(self) -> None:
        """Tell the listener that input is accepted again."""
        if self._listener is not None:
            try:
                self._listener.shell_writable()
            except Exception:  # as above
                log.exception("A fault in the portal ended a shell: its input could not be handled.")
                self._fail()

    def handle_message(self, kind: int, payload: bytes) -> None:
        """Handle a message for this channel (without the channel number). Raises ProtocolError."""
        if (handler := self._HANDLERS.get(kind)) is not None:
            handler(self, payload)

    def connection_lost(self) -> None:
        """Called when the connection broke."""
        self._channel_closed("the connection broke")

    # --- messages
    # ---------------------------------------------------------------------------------------------

    def _window_adjusted(self, payload: bytes) -> None:
        was_shut = self._send_window == 0
        self._send_window += int.from_bytes(payload[:4], "big")
        if was_shut:
            self.tell_writable()

    def _extended_data(self, payload: bytes) -> None:
        # A terminal has no stderr. A node that sends it all the same has it shown as output.
        self.receive_output(payload[8:])
        self.deliver_output()

    def _requested(self, payload: bytes) -> None:
        size = int.from_bytes(payload[:4], "big")
        kind, rest = payload[4 : 4 + size], payload[4 + size :]
        if kind == b"exit-status" and not self._status.done():
            self._status.set_result(int.from_bytes(rest[1:5], "big"))
        elif kind == b"exit-signal" and not self._status.done():
            self._status.set_result(None)
        if rest[:1] == b"\x01":
            self._connection.send(_TWO.pack(REQUEST_FAILURE, self._peer_number))

    def _output_ended(self, payload: bytes) -> None:
        if self._after_eof is None:
            self._after_eof = asyncio.get_running_loop().call_later(AFTER_EOF_SECONDS, self._end)

    def _closed_by_node(self, payload: bytes) -> None:
        self._send_close()
        self._channel_closed("it closed the channel")

    def _confirmed(self, payload: bytes) -> None:
        if len(payload) < _CONFIRMATION.size:
            raise ProtocolError("The confirmation of a channel is too short.")
        self._peer_number, self._send_window, longest = _CONFIRMATION.unpack_from(payload)
        self._longest_send = min(longest, LONGEST_DATA)
        self._is_open = True
        if self._is_over:  # given up meanwhile
            self._send_close()
        self._reply(None)

    def _refused(self, payload: bytes) -> None:
        size = int.from_bytes(payload[4:8], "big")
        text = payload[8 : 8 + min(size, LONGEST_REFUSAL)].decode("utf-8", "replace")
        self._channel_closed("".join(c for c in text if c.isprintable()) or "no channel")

    def _request_granted(self, payload: bytes) -> None:
        self._reply(None)

    def _request_refused(self, payload: bytes) -> None:
        self._reply(ChannelRefused("no terminal, or no shell"))

    _HANDLERS: dict[int, Callable[["ShellChannel", bytes], None]] = {
        WINDOW_ADJUST: _window_adjusted,
        EXTENDED_DATA: _extended_data,
        REQUEST: _requested,
        EOF: _output_ended,
        CLOSE: _closed_by_node,
        CONFIRMATION: _confirmed,
        FAILURE: _refused,
        REQUEST_SUCCESS: _request_granted,
        REQUEST_FAILURE: _request_refused,
    }

    # --- the end
    # ---------------------------------------------------------------------------------------------

    def _reply(self, error: Exception | None) -> None:
        reply = self._replies.popleft() if self._replies else None
        if reply is None or reply.done():
            return
        if error is None:
            reply.set_result(None)
        else:
            reply.set_exception(error)

    def _send_close(self) -> None:
        if self._is_open and not self._close_sent:
            self._close_sent = True
            self._connection.send(_TWO.pack(CLOSE, self._peer_number))

    def _close_channel(self) -> None:
        """Close the channel, and release it even if the node never closes its side."""
        self._send_close()
        if self._after_close is None and not self._is_released:
            self._after_close = asyncio.get_running_loop().call_later(
                AFTER_CLOSE_SECONDS, self._connection.release, self
            )

    def _channel_closed(self, why: str) -> None:
        """Nothing more comes from the node."""
        self._is_released = True
        if self._after_close is not None:
            self._after_close.cancel()
        while self._replies:
            self._reply(ChannelRefused(why))
        self._connection.release(self)
        self._end()

    def _fail(self) -> None:
        """End this shell because of a fault in the portal."""
        self._failed = True
        self._output.clear()
        self._close_channel()
        self._end()

    def _end(self) -> None:
        if self._after_eof is not None:
            self._after_eof.cancel()
        if self._is_over:
            return
        self._is_over = True
        if not self._status.done() and (self._close_sent or not self._connection.active):
            self._status.set_result(None)
        if self._listener is None:
            return
        self.deliver_output()
        try:
            self._listener.shell_over()
        except Exception:
            log.exception("A fault in the portal: the end of a shell could not be handled.")


def _string(text: bytes) -> bytes:
    return len(text).to_bytes(4, "big") + text
