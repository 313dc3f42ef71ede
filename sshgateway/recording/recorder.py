"""Listens to one terminal on its event loop and has a thread save what it hears.

The terminal never waits for it: hearing is appending to a list. What waits is bounded; output that comes faster than
it can be saved is left out, and the recording says so at that place.
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
from sshgateway.recording.writer import Happening, LeftOut, Printed, Resized, Writer
from sshgateway.terminals.participants import Participants
from sshgateway.terminals.recording_policy import Mode, OnFailure

log = logging.getLogger(__name__)

# What a gateway that is killed may lose of a recording.
SAVE_SECONDS = 3.0
SAVE_SIZE = 128 * 1024
WAITING_LIMIT = 4 * 1024 * 1024
# A shell may print byte by byte: each read counts for what it takes in memory.
OVERHEAD = 200
# When saving fails it is tried again after these pauses, then the recording is given up.
RETRY_SECONDS = (1.0, 4.0)

ANNOUNCEMENT = "This terminal is recorded: what it prints, not what you type."
FULL = "The recording of this terminal has reached its size limit; it is not recorded any more."
FAILED = "The recording of this terminal could not be saved; it is not recorded any more."


class Recorder:
    """An observer of a terminal. Make it before the terminal, on its event loop; `close` it at the end."""

    def __init__(
        self, session: TerminalSession, company: Participants, pool: Executor, end_shell: Callable[[], None]
    ) -> None:
        self._mode = Mode(session.recording)
        self._on_failure = OnFailure(session.recording_on_failure)
        self._company = company
        self._end_shell = end_shell
        self._writer = Writer(session, settings.HEADNODE_RECORDING_MAX_MB * 1_000_000)
        self._pool = pool
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._waiting: list[Happening] = []
        self._waiting_size = 0
        self._timer: asyncio.TimerHandle | None = None
        self._saving: asyncio.Task[None] | None = None
        self._over = False
        if self._mode is Mode.ANNOUNCED:
            company.show_recorded(True)
        self._save()  # the row, with the header: from now on there is a recording

    # --- what the terminal calls
    # -------------------------------------------------------------------------------------

    def on_output(self, offset: int, data: bytes) -> None:
        """The shell printed `data`."""
        if self._over:
            return
        cost = len(data) + OVERHEAD
        if self._waiting_size + cost > WAITING_LIMIT:
            self._leave_out(len(data))
            return
        self._waiting.append(Printed(self._seconds(), data))
        self._waiting_size += cost
        self._save_soon()

    def on_resize(self, cols: int, rows: int) -> None:
        """The terminal has a new size."""
        if self._over:
            return
        if self._waiting and isinstance(self._waiting[-1], Resized):
            self._waiting.pop()
        self._waiting.append(Resized(self._seconds(), cols, rows))
        self._save_soon()

    async def close(self) -> None:
        """The shell has ended: save the rest. Does not raise; a rest that cannot be saved is logged."""
        if self._saving is not None:
            await self._saving
        if self._over:
            return
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        waiting, self._waiting = self._waiting, []
        self._writer.hear(waiting)
        if not await self._saved(partial(self._writer.finish, "complete")):
            await self._give_up()

    # --- saving
    # --------------------------------------------------------------------------------------------------

    def _seconds(self) -> float:
        return self._loop.time() - self._began

    def _leave_out(self, size: int) -> None:
        last = self._waiting[-1] if self._waiting else None
        if isinstance(last, LeftOut):
            self._waiting[-1] = LeftOut(last.seconds, last.size + size)
        else:
            self._waiting.append(LeftOut(self._seconds(), size))
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
        if self._saving is None and not self._over:
            self._saving = asyncio.create_task(self._save_all())

    async def _save_all(self) -> None:
        try:
            while not self._over:
                self._writer.hear(self._waiting)
                self._waiting, self._waiting_size = [], 0
                if not await self._saved(self._writer.save):
                    await self._give_up()
                    self._stopped("failed", FAILED)
                elif self._writer.full:
                    await self._saved(partial(self._writer.finish, "size_limit"))
                    self._stopped("size_limit", FULL)
                elif self._waiting_size < SAVE_SIZE:
                    return
        finally:
            self._saving = None
            if self._waiting and not self._over:
                self._save_soon()

    async def _saved(self, attempt: Callable[[], None]) -> bool:
        """Try it until it works; False when it did not after the last pause. What was heard is kept meanwhile."""
        for pause in (*RETRY_SECONDS, None):
            try:
                # Threads of our own: the one that all short looks at the database share must not wait for files.
                await database_sync_to_async(attempt, thread_sensitive=False, executor=self._pool)()
            except Exception as error:
                if pause is None:
                    log.exception("A recording could not be saved and is given up.")
                    return False
                log.warning("A recording could not be saved (%s); trying again.", error)
                await asyncio.sleep(pause)
            else:
                return True
        return False

    def _stopped(self, reason: str, sentence: str) -> None:
        """No more is recorded, and the terminal may be open still."""
        self._over = True
        self._waiting.clear()
        self._company.show_recorded(False)
        if self._mode is Mode.ANNOUNCED:
            self._company.notify(sentence)
        if reason == "failed" and self._on_failure is OnFailure.END:
            self._end_shell()

    async def _give_up(self) -> None:
        with contextlib.suppress(
            Exception
        ):  # what failed before may fail now; the row then says it by itself
            await database_sync_to_async(self._writer.give_up, thread_sensitive=False, executor=self._pool)()
