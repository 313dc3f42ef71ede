"""A terminal: one shell with what it printed last, whoever looks at it. Knows no websocket and no database.

Sockets attach and detach; the shell lives on between them. Everything here runs on one event loop and never blocks
it: the shell calls with what it printed (`shell_printed`) and takes what is typed as far as it can.

Flow control, from end to end: a shell may print at most `WINDOW` bytes beyond what the quickest attached client has
acknowledged, because it is granted no more (`_grant`). Beyond that the program on the node blocks. So no more than
`WINDOW` bytes are on their way anywhere, in whatever buffer, and Ctrl-C is answered soon. Kept in memory per session:
the ring and the clients' input windows. Input never waits for output.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Protocol

from accounts.users.session_validity import NO_CREDENTIAL, Credential
from sshgateway.ssh.shell_channel import Listener
from sshgateway.terminals import end_reasons
from sshgateway.terminals.attachment import INPUT_WINDOW, WINDOW, Attachment
from sshgateway.terminals.end_reasons import End
from sshgateway.terminals.frames import BadFrame, Ended, Idle, InputAck, Notice, Output, ServerFrame
from sshgateway.terminals.idle import IdleClock
from sshgateway.terminals.participants import MAX_ATTACHMENTS, Participants, may_stay
from sshgateway.terminals.ring_buffer import RingBuffer
from sshgateway.terminals.roles import NOBODY, Participant

SEND_SIZE = 64 * 1024
# A shell is granted more in steps: a message to the node for every acknowledgement would be too many.
GRANT_STEP = WINDOW // 8
# Just after its last client left, a shell waits for it to come back before it prints on and forgets the oldest.
PATIENCE_SECONDS = 10.0
INPUT_PIECE = 4096


class ShellLike(Protocol):
    """What a terminal needs of a shell (`sshgateway.ssh.shell_channel.Shell`). It may print `WINDOW` bytes when it comes."""

    def start(self, listener: Listener) -> None: ...
    def grant(self, size: int) -> None: ...
    def write(self, data: bytes) -> int: ...
    def resize(self, cols: int, rows: int) -> None: ...
    async def exit_status(self) -> int | None: ...
    @property
    def connected(self) -> bool: ...
    @property
    def last_words(self) -> str: ...
    def close(self) -> None: ...


class Observer(Protocol):
    """Who hears everything a terminal shows, on the event loop; must not wait."""

    def on_output(self, offset: int, data: bytes) -> None: ...
    def on_resize(self, cols: int, rows: int) -> None: ...


class Terminal:
    """Owns a shell until its end. Make it on the event loop; it starts by itself; `end` or the shell ends it."""

    def __init__(
        self,
        shell: ShellLike,
        on_end: Callable[["Terminal"], None],
        company: Participants | None = None,
        observers: Iterable[Observer] = (),
        idle_limit_seconds: float = 0.0,
        idle_warning_seconds: float = 0.0,
    ) -> None:
        self._shell = shell
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._ring = RingBuffer(WINDOW)
        self.company = company or Participants("", (80, 24))
        self._attachments = self.company.members
        self.observers: list[Observer] = list(observers)
        self._input: deque[tuple[Attachment, bytes]] = deque()
        self._input_size = 0
        self._size: tuple[int, int] | None = None
        self._floor = 0
        self._granted = WINDOW
        self.bytes_in = 0
        self.last_keystroke_at: datetime | None = None
        self.end_state: End | None = None
        self._shown_to_the_end = True
        # Since when nobody is attached (loop time); None while somebody is.
        self.detached_at: float | None = self._loop.time()
        self._ending: asyncio.Task[None] | None = None
        self._idle = IdleClock(
            idle_limit_seconds,
            idle_warning_seconds,
            self._tell_idle,
            lambda: self.end(end_reasons.end("idle")),
        )
        shell.start(self)

    # --- what clients do
    # -------------------------------------------------------------------------------------

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """Who is attached."""
        return tuple(self._attachments)

    @property
    def start(self) -> int:
        """Offset of the oldest byte still kept."""
        return self._ring.start

    @property
    def bytes_out(self) -> int:
        """How much the shell has printed, which is also the offset of what it prints next."""
        return self._ring.end

    def attach(
        self,
        offset: int,
        cols: int,
        rows: int,
        source_address: str = "",
        credential: Credential = NO_CREDENTIAL,
        place: Participant = NOBODY,
    ) -> Attachment:
        """Let a client in that has everything before `offset`; the owner's size becomes the terminal's."""
        if offset > self._ring.end:
            raise BadFrame(
                "bad_offset", f"This shell has printed {self._ring.end} bytes; {offset} is beyond."
            )
        attachment = Attachment(max(offset, self._ring.start), source_address, credential, place)
        self.company.admit(attachment, self._loop.time())
        self.detached_at = None
        self.resize(attachment, cols, rows)
        self._grant()
        if (left := self._idle.seconds_left) is not None:
            attachment.idle_news.append(round(left))
        return attachment

    def detach(self, attachment: Attachment) -> None:
        """A client left. Idempotent. The shell stays."""
        if attachment not in self._attachments:
            return
        self.company.leave(attachment)
        if not self._attachments:
            self.detached_at = self._loop.time()
            self._floor = attachment.acked
            self._loop.call_later(PATIENCE_SECONDS, self._grant)
        self._grant()

    def acknowledge(self, attachment: Attachment, offset: int) -> None:
        """The client showed everything before `offset`."""
        attachment.acknowledge(offset)
        self._grant()

    def type(self, attachment: Attachment, data: bytes) -> None:
        """Pass input to the shell, in order, without waiting for it."""
        if not data or self.end_state is not None:
            return
        if not self.company.may_type(attachment, self._loop.time()):
            return
        attachment.receive_input(len(data))
        if self._input_size + len(data) > MAX_ATTACHMENTS * INPUT_WINDOW:
            raise BadFrame("input_overflow", "The shell takes no input; too much is waiting for it.")
        self._input_size += len(data)
        if self._input and self._input[-1][0] is attachment and len(self._input[-1][1]) < INPUT_PIECE:
            # Joined: a thousand keystrokes that wait are a few pieces, not a thousand.
            data = self._input.pop()[1] + data
        self._input.append((attachment, data))
        self._write()
        # Written down while the key is on its way.
        self.company.used(attachment)
        self.last_keystroke_at = datetime.now(UTC)
        self._idle.touch()

    def resize(self, attachment: Attachment, cols: int, rows: int) -> None:
        """A window has this size: the terminal's, if it is its owner's."""
        if self.end_state is not None or self._size == (cols, rows) or not attachment.place.is_owner:
            return
        self._size = (cols, rows)
        self._shell.resize(cols, rows)
        if self.company.resize(cols, rows):
            for observer in self.observers:
                observer.on_resize(cols, rows)

    def due(self, attachment: Attachment) -> Iterator[ServerFrame]:
        """Everything this client is to be sent now; the last is the end. Whenever there may be more, it is woken."""
        while True:
            if attachment.has_news:
                yield from self._news(attachment)
            stays_for_sure = self.end_state is None and attachment.stays_for_sure
            if not stays_for_sure and (over := self._over(attachment)) is not None:
                yield over
                return
            # After the end nothing is added any more: what is kept may all be sent at once.
            credit = attachment.credit if self.end_state is None else SEND_SIZE
            if credit <= 0 or attachment.sent >= self._ring.end:
                return
            if attachment.sent < self._ring.start:
                missed = attachment.skip_to(self._ring.start)
                yield Notice(f"{missed} bytes that were printed meanwhile are not kept and not shown.")
                continue
            offset = attachment.sent
            data = self._ring.read(offset, min(credit, SEND_SIZE))
            attachment.sent += len(data)
            yield Output(offset, data)

    def _news(self, attachment: Attachment) -> Iterator[ServerFrame]:
        """What is to be said beside the output."""
        while attachment.notices:
            yield Notice(attachment.notices.popleft())
        if (total := attachment.input_ack()) is not None:
            yield InputAck(total)
        if (situation := attachment.take_situation()) is not None:
            yield situation
        while attachment.idle_news:
            yield Idle(attachment.idle_news.popleft())

    def _over(self, attachment: Attachment) -> Ended | None:
        """The end, where this client has come to it: the shell's, or its own stay's."""
        over, is_guest = self.end_state, not attachment.place.is_owner
        may_stay(attachment, self._loop.time())
        if attachment.expelled is not None and (over is None or is_guest):
            return Ended(attachment.expelled.reason, attachment.expelled.message, final=False)
        if over is None or (self._shown_to_the_end and attachment.sent < self._ring.end):
            return None
        if is_guest:
            over = end_reasons.as_told_to_guest(over, self.company.owner_name)
        return Ended(over.reason, over.message, final=True, exit_status=over.exit_status)

    def notify(self, sentence: str) -> None:
        """Show a sentence to everybody attached."""
        self.company.notify(sentence)

    def _tell_idle(self, seconds_left: float | None) -> None:
        """The idle countdown began or was stopped: by frame for pages, in words for everybody else."""
        for attachment in self._attachments:
            attachment.idle_news.append(None if seconds_left is None else round(seconds_left))
            attachment.wake()
        if seconds_left is not None:
            self.notify(
                f"Nothing was typed here for long: this terminal closes in {round(seconds_left)} seconds. "
                "Press any key to keep it."
            )

    # --- the end
    # ---------------------------------------------------------------------------------------------

    def end(self, end: End, *, show_rest: bool = True) -> None:
        """End the shell now, for a reason from outside; without `show_rest` clients see no more of its output."""
        self._finish(end, shown_to_the_end=show_rest)

    def _finish(self, end: End, *, shown_to_the_end: bool) -> None:
        """The first end counts. Hangs up, tells clients and owner."""
        if self.end_state is not None:
            return
        self.end_state = end
        self._shown_to_the_end = shown_to_the_end
        self._idle.stop()
        self._shell.close()
        if self._ending is not None and self._ending is not asyncio.current_task():
            self._ending.cancel()
        self._input.clear()
        for attachment in self._attachments:
            attachment.wake()
        self._on_end(self)

    # --- the shell
    # -------------------------------------------------------------------------------------------

    def shell_printed(self, data: bytes) -> None:
        """The shell printed."""
        for observer in self.observers:
            observer.on_output(self._ring.end, data)
        self._ring.append(data)
        for attachment in self._attachments:
            attachment.send_due()
        if not self._attachments:
            self._grant()

    def shell_writable(self) -> None:
        """The far end takes input again."""
        self._write()

    def shell_over(self) -> None:
        """The shell prints no more."""
        if self.end_state is None:
            self._ending = self._loop.create_task(self._end_naturally())

    async def _end_naturally(self) -> None:
        self._finish(await self._natural_end(), shown_to_the_end=True)

    def _grant(self) -> None:
        """Let the shell print as far as `WINDOW` beyond what was seen."""
        if self.end_state is not None:
            return
        if self._attachments:
            seen = max(attachment.acked for attachment in self._attachments)
        elif self.detached_at is None or self._loop.time() < self.detached_at + PATIENCE_SECONDS:
            seen = self._floor
        else:
            seen = self._ring.end
        more = seen + WINDOW - self._granted
        if more >= GRANT_STEP:
            self._granted += more
            self._shell.grant(more)

    async def _natural_end(self) -> End:
        status = await self._shell.exit_status()
        if status is not None:
            return end_reasons.end("exited", exit_status=status)
        if self._shell.connected:
            return end_reasons.end("exited", "The shell was ended by a signal.")
        if self._shell.last_words:
            return end_reasons.end("node_gone", f'The node ended the connection: "{self._shell.last_words}"')
        return end_reasons.end("connection_lost")

    def _write(self) -> None:
        """Pass on what was typed, as far as the shell takes it; the rest waits for `shell_writable`."""
        while self._input:
            attachment, data = self._input[0]
            taken = self._shell.write(data)
            if taken <= 0:
                return  # no more for now; or gone: then the end comes, after the last output
            self._input_size -= taken
            self.bytes_in += taken
            attachment.pass_input(taken)
            if taken == len(data):
                self._input.popleft()
            else:
                self._input[0] = (attachment, data[taken:])
