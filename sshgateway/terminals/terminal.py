"""A terminal: one shell, its latest output, and the clients attached to it. Knows no websocket and no database.

Clients attach and detach; the shell lives on between them. Everything here runs on one event loop and never blocks it:
the shell calls with its output (`shell_printed`) and accepts input as far as it can.

Flow control, from end to end: a shell may print at most `WINDOW` bytes beyond what the quickest attached client has
acknowledged, because it is granted no more (`_grant`). Beyond that the program on the node blocks. So no more than
`WINDOW` bytes are under way in all buffers together, and Ctrl-C takes effect soon. Kept in memory per session: the ring
buffer and the clients' input windows. Input never waits for output.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Protocol

from sshgateway.ssh.shell_channel import ShellListener
from sshgateway.terminals.attachment import WINDOW, Attachment, ClientIdentity, ClientSink
from sshgateway.terminals.end_reasons import End, EndReason, as_told_to_guest, end_for
from sshgateway.terminals.frame_faults import BadFrame, FrameFault
from sshgateway.terminals.frames import Ended, Idle, InputAck, Notice, Output, ServerFrame
from sshgateway.terminals.idle import IdleClock
from sshgateway.terminals.input_queue import InputQueue
from sshgateway.terminals.output_history import OutputHistory
from sshgateway.terminals.participants import Participants

log = logging.getLogger(__name__)

SEND_SIZE = 64 * 1024
# A shell is granted more in steps: a message to the node for every acknowledgement would be too many.
GRANT_STEP = WINDOW // 8
# After its last client left, a shell waits this long for it to come back before it prints on and output is forgotten.
PATIENCE_SECONDS = 10.0


class Shell(Protocol):
    """What a terminal needs of a shell (`ShellChannel`). It may print `WINDOW` bytes before the first grant."""

    def start(self, listener: ShellListener) -> None: ...
    def grant(self, size: int) -> None: ...
    def write(self, data: bytes) -> int: ...
    def resize(self, cols: int, rows: int) -> None: ...
    async def exit_status(self) -> int | None: ...
    @property
    def connected(self) -> bool: ...
    @property
    def failed(self) -> bool: ...
    @property
    def disconnect_message(self) -> str: ...
    def close(self) -> None: ...


class Observer(Protocol):
    """Receives everything a terminal shows. Called on the event loop; must not block."""

    def on_output(self, offset: int, data: bytes) -> None: ...
    def on_resize(self, cols: int, rows: int) -> None: ...


class Terminal:
    """Owns a shell until its end. Make it on the event loop; it starts at once, and `end` or the shell ends it."""

    def __init__(
        self,
        shell: Shell,
        on_end: Callable[["Terminal"], None],
        participants: Participants,
        observers: Iterable[Observer] = (),
        idle_limit_seconds: float = 0.0,
        idle_warning_seconds: float = 0.0,
    ) -> None:
        self._shell = shell
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._history = OutputHistory(WINDOW)
        self.participants = participants
        self._attachments = participants.members
        self._observers: list[Observer] = list(observers)
        self._input = InputQueue(shell.write)
        self._size: tuple[int, int] | None = None
        # What the last client had acknowledged when it left.
        self._acked_at_detach = 0
        self._granted = WINDOW
        self.last_keystroke_at: datetime | None = None
        self.end_state: End | None = None
        self._show_rest = True
        # Since when nobody is attached (loop time); None while somebody is.
        self.detached_at: float | None = self._loop.time()
        self._ending: asyncio.Task[None] | None = None
        self._idle = IdleClock(
            idle_limit_seconds,
            idle_warning_seconds,
            self._show_countdown,
            lambda: self.end(end_for(EndReason.IDLE)),
        )
        shell.start(self)

    # --- called for clients
    # -------------------------------------------------------------------------------------

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """The attached clients."""
        return tuple(self._attachments)

    @property
    def bytes_in(self) -> int:
        """How many bytes of input the shell has accepted."""
        return self._input.written

    @property
    def bytes_out(self) -> int:
        """How many bytes the shell has printed, which is also the offset of what it prints next."""
        return self._history.end

    def attach(
        self, client: ClientIdentity, sink: ClientSink, *, offset: int, cols: int, rows: int
    ) -> Attachment:
        """Attach a client that has everything before `offset`. The owner's size becomes the terminal's.

        From now on `sink` is told whenever `take_frames` may have something. Raises BadFrame.
        """
        if offset > self._history.end:
            raise BadFrame(
                FrameFault.BAD_OFFSET,
                f"This shell has printed {self._history.end} bytes; {offset} is beyond.",
            )
        attachment = Attachment(self._history.resume(offset), client, sink)
        self.participants.add(attachment, self._loop.time())
        self.detached_at = None
        self.resize(attachment, cols, rows)
        self._grant()
        if (left := self._idle.seconds_left) is not None:
            attachment.show_idle(round(left))
        return attachment

    def detach(self, attachment: Attachment) -> None:
        """Detach a client. Idempotent. The shell stays."""
        if attachment not in self._attachments:
            return
        self.participants.remove(attachment)
        if not self._attachments:
            self.detached_at = self._loop.time()
            self._acked_at_detach = attachment.acked
            self._loop.call_later(PATIENCE_SECONDS, self._grant)
        self._grant()

    def acknowledge(self, attachment: Attachment, offset: int) -> None:
        """Note that the client has drawn everything before `offset`. Raises BadFrame."""
        attachment.acknowledge(offset)
        self._grant()

    def type(self, attachment: Attachment, data: bytes) -> None:
        """Pass input to the shell, in order, without waiting for it. Raises BadFrame."""
        if not data or self.end_state is not None:
            return
        now = self._loop.time()
        self.participants.expel_if_unconfirmed(attachment, now)
        if not self.participants.accepts_input(attachment, now):
            return
        self._input.add(attachment, data)
        self._input.flush()
        # Noted while the key is under way, so that the key does not wait for it.
        self.participants.note_typing(attachment)
        self.last_keystroke_at = datetime.now(UTC)
        self._idle.touch()

    def resize(self, attachment: Attachment, cols: int, rows: int) -> None:
        """Note a window's size; it becomes the terminal's if the window is the owner's."""
        if self.end_state is not None or self._size == (cols, rows) or not attachment.participant.is_owner:
            return
        self._size = (cols, rows)
        self._shell.resize(cols, rows)
        if self.participants.resize(cols, rows):
            for observer in self._observers:
                observer.on_resize(cols, rows)

    def take_frames(self, attachment: Attachment) -> Iterator[ServerFrame]:
        """Yield each frame to send to this client now; it counts as sent. After `Ended` there are no more."""
        while True:
            if attachment.has_news:
                yield from self._take_news(attachment)
            if self.end_state is not None or attachment.may_have_to_leave:
                self.participants.expel_if_unconfirmed(attachment, self._loop.time())
                if (ended := self._ended(attachment)) is not None:
                    yield ended
                    return
            # After the end nothing is printed any more: all that is kept may be sent at once.
            credit = attachment.credit if self.end_state is None else SEND_SIZE
            if credit <= 0 or attachment.sent >= self._history.end:
                return
            if attachment.printed_from < self._history.start:
                missed = attachment.skip(self._history.resume(attachment.sent))
                yield Notice(f"{missed} bytes that were printed meanwhile are not kept and not shown.")
                continue
            offset = attachment.sent
            if attachment.modes:
                yield Output(offset, attachment.take_modes())
                continue
            data = self._history.read(offset, min(credit, SEND_SIZE))
            attachment.sent += len(data)
            yield Output(offset, data)

    def _take_news(self, attachment: Attachment) -> Iterator[ServerFrame]:
        """Yield what is to be sent besides output."""
        while attachment.notices:
            yield Notice(attachment.notices.popleft())
        if (total := attachment.take_input_ack()) is not None:
            yield InputAck(total)
        if (presence := attachment.take_presence()) is not None:
            yield presence
        while attachment.idle_news:
            yield Idle(attachment.idle_news.popleft())

    def _ended(self, attachment: Attachment) -> Ended | None:
        """Return the END frame if this client is to receive it now: for the shell, or for this client only."""
        end, is_guest = self.end_state, not attachment.participant.is_owner
        if attachment.expelled is not None and (end is None or is_guest):
            return Ended(attachment.expelled.reason, attachment.expelled.message, final=False)
        if end is None or (self._show_rest and attachment.sent < self._history.end):
            return None
        if is_guest:
            end = as_told_to_guest(end, self.participants.owner_name)
        return Ended(end.reason, end.message, final=True, exit_status=end.exit_status)

    def notify(self, sentence: str) -> None:
        """Show a sentence to everybody attached."""
        self.participants.notify(sentence)

    def _show_countdown(self, seconds_left: float | None) -> None:
        """Show that the idle countdown began or was stopped: in a frame for pages, in words for other clients."""
        for attachment in self._attachments:
            attachment.show_idle(None if seconds_left is None else round(seconds_left))
        if seconds_left is not None:
            self.notify(
                f"Nothing was typed here for long: this terminal closes in {round(seconds_left)} seconds. "
                "Press any key to keep it."
            )

    # --- the end
    # ---------------------------------------------------------------------------------------------

    def end(self, end: End, *, show_rest: bool = True) -> None:
        """End the shell now; without `show_rest` clients see no more of its output. The first end counts."""
        if self.end_state is not None:
            return
        self.end_state = end
        self._show_rest = show_rest
        self._idle.stop()
        self._shell.close()
        if self._ending is not None and self._ending is not asyncio.current_task():
            self._ending.cancel()
        self._input.clear()
        for attachment in self._attachments:
            attachment.sink.news_ready()
        self._on_end(self)

    async def _end_with_shell(self) -> None:
        try:
            end = await self._shell_end()
        except Exception:
            log.exception("A fault in the portal: how a shell ended could not be found out.")
            end = end_for(EndReason.SHELL_FAILED)
        self.end(end)

    async def _shell_end(self) -> End:
        status = await self._shell.exit_status()
        if self._shell.failed:
            return end_for(EndReason.SHELL_FAILED)
        if status is not None:
            return end_for(EndReason.EXITED, exit_status=status)
        if self._shell.connected:
            return end_for(EndReason.EXITED, "The shell was ended by a signal.")
        if self._shell.disconnect_message:
            said = self._shell.disconnect_message
            return end_for(EndReason.NODE_GONE, f'The node ended the connection: "{said}"')
        return end_for(EndReason.CONNECTION_LOST)

    # --- called by the shell
    # -------------------------------------------------------------------------------------------

    def shell_printed(self, data: bytes) -> None:
        """Keep output and have it sent."""
        for observer in self._observers:
            observer.on_output(self._history.end, data)
        self._history.append(data)
        for attachment in self._attachments:
            attachment.sink.output_ready()
        if not self._attachments:
            self._grant()

    def shell_writable(self) -> None:
        """Pass on input that waited."""
        self._input.flush()

    def shell_over(self) -> None:
        """Find out how the shell ended, and end."""
        if self.end_state is None:
            self._ending = self._loop.create_task(self._end_with_shell())

    def _grant(self) -> None:
        """Let the shell print up to `WINDOW` beyond what was acknowledged."""
        if self.end_state is not None:
            return
        if self._attachments:
            seen = max(attachment.acked for attachment in self._attachments)
        elif self.detached_at is None or self._loop.time() < self.detached_at + PATIENCE_SECONDS:
            seen = self._acked_at_detach
        else:
            seen = self._history.end
        more = seen + WINDOW - self._granted
        if more >= GRANT_STEP:
            self._granted += more
            self._shell.grant(more)
