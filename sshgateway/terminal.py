"""A terminal: one shell with what it printed last, whoever looks at it. Knows no websocket and no database.

Sockets attach and detach; the shell lives on between them. Everything here runs on one event loop and never
blocks it: the loop waits on the shell's file descriptor, and the reads and writes themselves (which may
wait for the network) are handed to a small thread pool shared by all terminals.

Flow control: the shell is read only while the quickest attached client has less than `WINDOW` bytes to
acknowledge; beyond that the SSH window fills and the program on the node blocks. Kept in memory per
session: the ring (`WINDOW` + one read), the SSH window (`transport.SHELL_WINDOW`) and the clients' input
windows. Input never waits for output, so Ctrl-C gets through a flood.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from datetime import UTC, datetime
from functools import partial
from typing import Protocol, TypeVar

from accounts.still_signed_in import NO_CREDENTIAL, Credential
from sshgateway import ends
from sshgateway.attachment import INPUT_WINDOW, WINDOW, Attachment
from sshgateway.ends import End
from sshgateway.frames import BadFrame, Ended, InputAck, Notice, Output, ServerFrame
from sshgateway.ring import Ring

T = TypeVar("T")

READ_SIZE = 32 * 1024
SEND_SIZE = 32 * 1024
# Just after its last client left, a shell waits for it to come back before it prints on and forgets the
# oldest.
PATIENCE_SECONDS = 10.0
INPUT_PIECE = 4096
MAX_ATTACHMENTS = 8
RETRY_SECONDS = 0.05


class ShellLike(Protocol):
    """What a terminal needs of a shell (`sshgateway.shell.Shell`)."""

    def fileno(self) -> int: ...
    def read(self, limit: int = READ_SIZE) -> bytes | None: ...
    def write(self, data: bytes) -> int: ...
    def resize(self, cols: int, rows: int) -> None: ...
    def exit_status(self) -> int | None: ...
    @property
    def connected(self) -> bool: ...
    @property
    def last_words(self) -> str: ...
    def close(self) -> None: ...


class Terminal:
    """Owns a shell until its end. Make it on the event loop; it starts by itself; `end` or the shell ends it."""

    def __init__(self, shell: ShellLike, pool: Executor, on_end: Callable[["Terminal"], None]) -> None:
        self._shell = shell
        self._pool = pool
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._ring = Ring(WINDOW + READ_SIZE)
        self._attachments: list[Attachment] = []
        self._input: deque[tuple[Attachment, bytes]] = deque()
        self._input_size = 0
        self._input_waiting = asyncio.Event()
        self._may_read = asyncio.Event()
        self._size: tuple[int, int] | None = None
        self._floor = 0
        self.bytes_in = 0
        self.last_keystroke_at: datetime | None = None
        self.end_state: End | None = None
        self._shown_to_the_end = True
        # Since when nobody is attached (loop time); None while somebody is.
        self.detached_at: float | None = self._loop.time()
        self._update_reading()
        self._tasks = [asyncio.create_task(self._read_shell()), asyncio.create_task(self._write_shell())]
        self._resizing: asyncio.Task[None] | None = None
        self.closed: asyncio.Task[None] | None = None

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
    ) -> Attachment:
        """Let a client in that has everything before `offset`; its size becomes the terminal's."""
        if offset > self._ring.end:
            raise BadFrame(
                "bad_offset", f"This shell has printed {self._ring.end} bytes; {offset} is beyond."
            )
        if len(self._attachments) >= MAX_ATTACHMENTS:
            raise BadFrame("too_many_sockets", f"At most {MAX_ATTACHMENTS} windows can show one terminal.")
        attachment = Attachment(max(offset, self._ring.start), source_address, credential)
        self._attachments.append(attachment)
        self.detached_at = None
        self.resize(cols, rows)
        self._update_reading()
        return attachment

    def detach(self, attachment: Attachment) -> None:
        """A client left. Idempotent. The shell stays."""
        if attachment not in self._attachments:
            return
        self._attachments.remove(attachment)
        if not self._attachments:
            self.detached_at = self._loop.time()
            self._floor = attachment.acked
            self._loop.call_later(PATIENCE_SECONDS, self._update_reading)
        self._update_reading()

    def acknowledge(self, attachment: Attachment, offset: int) -> None:
        """The client showed everything before `offset`."""
        attachment.acknowledge(offset)
        self._update_reading()

    def type(self, attachment: Attachment, data: bytes) -> None:
        """Pass input to the shell, in order, without waiting for it."""
        if not data or self.end_state is not None:
            return
        attachment.receive_input(len(data))
        if self._input_size + len(data) > MAX_ATTACHMENTS * INPUT_WINDOW:
            raise BadFrame("input_overflow", "The shell takes no input; too much is waiting for it.")
        self._input_size += len(data)
        if self._input and self._input[-1][0] is attachment and len(self._input[-1][1]) < INPUT_PIECE:
            # Joined: a thousand keystrokes that wait are a few pieces, not a thousand.
            data = self._input.pop()[1] + data
        self._input.append((attachment, data))
        self.last_keystroke_at = datetime.now(UTC)
        self._input_waiting.set()

    def resize(self, cols: int, rows: int) -> None:
        """Set the size; of several in quick succession the last one counts."""
        if self.end_state is not None:
            return
        self._size = (cols, rows)
        if self._resizing is None or self._resizing.done():
            self._resizing = asyncio.create_task(self._resize_shell())

    async def follow(self, attachment: Attachment) -> AsyncIterator[ServerFrame]:
        """Everything this client is to be sent, up to and including the end."""
        while True:
            attachment.woken.clear()
            while attachment.notices:
                yield Notice(attachment.notices.popleft())
            if (total := attachment.input_ack()) is not None:
                yield InputAck(total)
            if attachment.expelled is not None and self.end_state is None:
                yield Ended(attachment.expelled.reason, attachment.expelled.message, final=False)
                return
            over = self.end_state
            if over is not None and (not self._shown_to_the_end or attachment.sent == self._ring.end):
                yield Ended(over.reason, over.message, final=True, exit_status=over.exit_status)
                return
            # After the end nothing is added any more: what is kept may all be sent at once.
            credit = SEND_SIZE if over is not None else attachment.credit
            if credit > 0 and attachment.sent < self._ring.end:
                if attachment.sent < self._ring.start:
                    missed = attachment.skip_to(self._ring.start)
                    yield Notice(f"{missed} bytes that were printed meanwhile are not kept and not shown.")
                offset = attachment.sent
                data = self._ring.read(offset, min(credit, SEND_SIZE))
                attachment.sent += len(data)
                yield Output(offset, data)
                continue
            await attachment.woken.wait()

    def notify(self, sentence: str) -> None:
        """Show a sentence to everybody attached."""
        for attachment in self._attachments:
            attachment.notify(sentence)

    def expel(self, ticket: str | Credential, why: End) -> None:
        """Have everybody who came from this address or with this credential leave; the shell stays for the others."""
        for attachment in self._attachments:
            if ticket in (attachment.source_address, attachment.credential):
                attachment.expelled = why
                attachment.woken.set()

    # --- the end
    # ---------------------------------------------------------------------------------------------

    def end(self, end: End, *, show_rest: bool = True) -> None:
        """End the shell now, for a reason from outside; without `show_rest` clients see no more of its output."""
        self._finish(end, shown_to_the_end=show_rest)

    def _finish(self, end: End, *, shown_to_the_end: bool) -> None:
        """The first end counts. Tells clients and owner, then hangs up in the background."""
        if self.end_state is not None:
            return
        self.end_state = end
        self._shown_to_the_end = shown_to_the_end
        self._loop.remove_reader(self._shell.fileno())
        for task in self._running():
            if task is not asyncio.current_task():
                task.cancel()
        self._input.clear()
        for attachment in self._attachments:
            attachment.woken.set()
        self.closed = asyncio.create_task(self._hang_up())
        self._on_end(self)

    def _running(self) -> "list[asyncio.Task[None]]":
        return [*self._tasks, *([self._resizing] if self._resizing else [])]

    async def _hang_up(self) -> None:
        # First our tasks, then the shell: nothing may look at its file descriptor once that number is free
        # again.
        for task in self._running():
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._in_pool(self._shell.close)

    # --- the shell
    # -------------------------------------------------------------------------------------------

    def _in_pool(self, call: Callable[[], T]) -> "asyncio.Future[T]":
        return self._loop.run_in_executor(self._pool, call)

    def _update_reading(self) -> None:
        """Decide whether the shell may be read: is anybody still catching up with what it printed?"""
        if self._attachments:
            seen = max(attachment.acked for attachment in self._attachments)
        elif self.detached_at is None or self._loop.time() < self.detached_at + PATIENCE_SECONDS:
            seen = self._floor
        else:
            seen = self._ring.end
        if self._ring.end - seen < WINDOW:
            self._may_read.set()
        else:
            self._may_read.clear()

    async def _read_shell(self) -> None:
        likely_more = False
        while True:
            await self._may_read.wait()
            if not likely_more:
                await self._readable()
            data = await self._in_pool(self._shell.read)
            likely_more = data is not None and len(data) == READ_SIZE
            if data is None:
                continue
            if not data:
                break
            self._ring.append(data)
            for attachment in self._attachments:
                attachment.woken.set()
            self._update_reading()
        self._finish(await self._natural_end(), shown_to_the_end=True)

    async def _readable(self) -> None:
        ready = self._loop.create_future()

        def wake() -> None:
            self._loop.remove_reader(self._shell.fileno())
            if not ready.done():
                ready.set_result(None)

        self._loop.add_reader(self._shell.fileno(), wake)
        try:
            await ready
        finally:
            self._loop.remove_reader(self._shell.fileno())

    async def _natural_end(self) -> End:
        status = await self._in_pool(self._shell.exit_status)
        if status is not None:
            return ends.end("exited", exit_status=status)
        if self._shell.connected:
            return ends.end("exited", "The shell was ended by a signal.")
        if self._shell.last_words:
            return ends.end("node_gone", f'The node ended the connection: "{self._shell.last_words}"')
        return ends.end("connection_lost")

    async def _write_shell(self) -> None:
        while True:
            await self._input_waiting.wait()
            self._input_waiting.clear()
            while self._input:
                attachment, data = self._input.popleft()
                await self._write_all(data)
                self._input_size -= len(data)
                self.bytes_in += len(data)
                attachment.pass_input(len(data))

    async def _write_all(self, data: bytes) -> None:
        while data:
            part = data[:READ_SIZE]
            taken = await self._in_pool(partial(self._shell.write, part))
            if taken < 0:
                return  # gone: the reader sees it too, and after the last output
            if taken == 0:
                # The program on the node does not read. There is no event for a send window that opens again.
                await asyncio.sleep(RETRY_SECONDS)
            data = data[taken:]

    async def _resize_shell(self) -> None:
        while self._size is not None and self.end_state is None:
            (cols, rows), self._size = self._size, None
            await self._in_pool(partial(self._shell.resize, cols, rows))
