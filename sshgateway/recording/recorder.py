"""Record one terminal: collect its events on the event loop and save them in a thread.

The terminal never waits for this: an event is appended to a list. The list is bounded; output that comes faster than
it can be saved is dropped, and the recording says so at that point.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial

from channels.db import database_sync_to_async
from django.conf import settings

from sshgateway.models import TerminalSession
from sshgateway.models.recording import RecordingState
from sshgateway.recording.writer import GapEvent, OutputEvent, RecordedEvent, ResizeEvent, Writer
from sshgateway.terminals.participants import Participants
from sshgateway.terminals.recording_policy import Mode, OnFailure

log = logging.getLogger(__name__)

# How much of a recording is lost at most when the gateway is killed.
SAVE_SECONDS = 3.0
SAVE_SIZE = 128 * 1024
WAITING_LIMIT = 4 * 1024 * 1024
# What each event takes in memory besides its data: a shell may print byte by byte.
OVERHEAD = 200
# Saving is retried after these pauses; then the recording is abandoned.
RETRY_SECONDS = (1.0, 4.0)

ANNOUNCEMENT = "This terminal is recorded: what it prints, not what you type."
FULL = "The recording of this terminal has reached its size limit; it is not recorded any more."
FAILED = "The recording of this terminal could not be saved; it is not recorded any more."


class Recorder:
    """Observes one terminal. Create it before the terminal, on its event loop, and `close` it at the end."""

    def __init__(
        self,
        session: TerminalSession,
        participants: Participants,
        pool: Executor,
        end_shell: Callable[[], None],
    ) -> None:
        self._mode = Mode(session.recording)
        self._on_failure = OnFailure(session.recording_on_failure)
        self._participants = participants
        self._end_shell = end_shell
        self._writer = Writer(session, settings.HEADNODE_RECORDING_MAX_MB * 1_000_000)
        self._pool = pool
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._waiting: list[RecordedEvent] = []
        self._waiting_size = 0
        self._timer: asyncio.TimerHandle | None = None
        self._saving: asyncio.Task[None] | None = None
        self._is_over = False
        if self._mode is Mode.ANNOUNCED:
            participants.show_recorded(True)
        self._save()  # creates the row, with the header

    # --- what the terminal calls
    # -------------------------------------------------------------------------------------

    def on_output(self, offset: int, data: bytes) -> None:
        """Record output of the shell."""
        if self._is_over:
            return
        cost = len(data) + OVERHEAD
        if self._waiting_size + cost > WAITING_LIMIT:
            self._drop(len(data))
            return
        self._waiting.append(OutputEvent(self._seconds(), data))
        self._waiting_size += cost
        self._save_soon()

    def on_resize(self, cols: int, rows: int) -> None:
        """Record a new size. Only the last of several in a row counts."""
        if self._is_over:
            return
        if self._waiting and isinstance(self._waiting[-1], ResizeEvent):
            self._waiting.pop()
        self._waiting.append(ResizeEvent(self._seconds(), cols, rows))
        self._save_soon()

    async def close(self) -> None:
        """Save the rest once the shell has ended. Does not raise; a failure is logged."""
        if self._saving is not None:
            await self._saving
        if self._is_over:
            return
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()
        waiting, self._waiting = self._waiting, []
        self._writer.enqueue(waiting)
        if not await self._saved(partial(self._writer.finish, RecordingState.COMPLETE)):
            await self._mark_failed()

    # --- saving
    # --------------------------------------------------------------------------------------------------

    def _seconds(self) -> float:
        return self._loop.time() - self._began

    def _drop(self, size: int) -> None:
        last = self._waiting[-1] if self._waiting else None
        if isinstance(last, GapEvent):
            self._waiting[-1] = GapEvent(last.seconds, last.size + size)
        else:
            self._waiting.append(GapEvent(self._seconds(), size))
        self._save_soon()

    def _save_soon(self) -> None:
        if self._saving is not None:
            return
        if self._waiting_size >= SAVE_SIZE:
            self._save()
        elif self._timer is None:
            self._timer = self._loop.call_later(SAVE_SECONDS, self._save)

    def _save(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._saving is None and not self._is_over:
            self._saving = asyncio.create_task(self._save_all())

    async def _save_all(self) -> None:
        try:
            while not self._is_over:
                self._writer.enqueue(self._waiting)
                self._waiting, self._waiting_size = [], 0
                if not await self._saved(self._writer.save):
                    await self._mark_failed()
                    self._stop(RecordingState.FAILED, FAILED)
                elif self._writer.full:
                    await self._saved(partial(self._writer.finish, RecordingState.SIZE_LIMIT))
                    self._stop(RecordingState.SIZE_LIMIT, FULL)
                elif self._waiting_size < SAVE_SIZE:
                    return
        finally:
            self._saving = None
            if self._waiting and not self._is_over:
                self._save_soon()

    async def _saved(self, attempt: Callable[[], None]) -> bool:
        """Try until it succeeds. Return False if it failed after the last pause too. Events are kept meanwhile."""
        for pause in (*RETRY_SECONDS, None):
            try:
                # A thread pool of its own: short database calls share one thread, which must not wait for files.
                await database_sync_to_async(attempt, thread_sensitive=False, executor=self._pool)()
            except Exception as error:
                if pause is None:
                    log.exception("A recording could not be saved and is abandoned.")
                    return False
                log.warning("A recording could not be saved (%s); trying again.", error)
                await asyncio.sleep(pause)
            else:
                return True
        return False

    def _stop(self, reason: RecordingState, sentence: str) -> None:
        """Stop recording; the terminal may still be open."""
        self._is_over = True
        self._waiting.clear()
        self._participants.show_recorded(False)
        if self._mode is Mode.ANNOUNCED:
            self._participants.notify(sentence)
        if reason is RecordingState.FAILED and self._on_failure is OnFailure.END:
            self._end_shell()

    async def _mark_failed(self) -> None:
        # This may fail as saving did. The row then has no end, and is listed as cut short.
        with contextlib.suppress(Exception):
            mark_failed = self._writer.mark_failed
            await database_sync_to_async(mark_failed, thread_sensitive=False, executor=self._pool)()
