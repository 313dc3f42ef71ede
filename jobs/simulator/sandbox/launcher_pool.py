"""Keep one launcher started in advance, so that a new cluster need not wait for an interpreter."""

import asyncio
from collections.abc import Container
from pathlib import Path
from typing import Any

from jobs.simulator.sandbox import launcher_process
from jobs.simulator.sandbox.launcher_client import LauncherClient, LauncherFailed
from jobs.simulator.sandbox.launcher_process import LauncherProcess
from jobs.simulator.store import write_atomically

WARM_UP_SECONDS = 1.0


class LauncherPool:
    """Starts launchers, and notes their process numbers for the next simulator.

    `lifeline`: a pipe whose end tells launchers to end, too (None: there is no such pipe).
    """

    def __init__(self, folder: Path, lifeline: int | None = None) -> None:
        self._folder, self._notes, self._lifeline = folder, folder / "launchers", lifeline
        self._warm: LauncherClient | None = None
        self._closed = False
        self._leftovers = self._read_notes()

    def _read_notes(self) -> list[LauncherProcess]:
        """Return the launchers of an earlier run that outlived it."""
        try:
            lines = self._notes.read_text().split("\n")
        except FileNotFoundError:
            return []
        pairs = [line.partition(" ") for line in lines]
        found = [LauncherProcess(int(pid), started) for pid, _, started in pairs if pid.isdigit()]
        return [process for process in found if process.is_running]

    def kill_leftovers(self, keep: Container[LauncherProcess] = ()) -> None:
        """Kill the launchers of an earlier run but those that will be taken up.

        A process number that something else uses now has another start time and is left alone.
        """
        kept = [process for process in self._leftovers if process in keep]
        for process in self._leftovers:
            if process not in keep:
                process.kill()
        self._leftovers = []
        write_atomically(self._notes, "".join(map(_line, [*kept, *self._own()])))

    def _own(self) -> list[LauncherProcess]:
        return [self._warm.process] if self._warm is not None else []

    async def start(self, plan: dict[str, Any], folder: Path, runtime: str) -> LauncherClient:
        """Return a launcher that has followed its plan. Raises LauncherFailed."""
        launcher, self._warm = self._warm, None
        if launcher is None or not launcher.alive:
            launcher = self._start_process()
        try:
            launcher_process.note(folder, launcher.process, runtime)
        except OSError as error:
            launcher.close()
            raise LauncherFailed(f"its state cannot be written: {error.strerror}") from None
        await launcher.follow_plan(plan, folder)
        # Not at once: the cluster that is booting needs the processor more.
        asyncio.get_running_loop().call_later(WARM_UP_SECONDS, self._warm_up)
        return launcher

    def _warm_up(self) -> None:
        if self._warm is None and not self._closed:
            self._warm = self._start_process()

    def _start_process(self) -> LauncherClient:
        launcher = LauncherClient.start_process(self._folder, self._lifeline)
        with open(self._notes, "a") as notes:
            notes.write(_line(launcher.process))
        return launcher

    def close(self) -> None:
        """End the launcher that waits, and start no more."""
        self._closed = True
        if self._warm is not None:
            self._warm.close()
            self._warm = None


def _line(process: LauncherProcess) -> str:
    return f"{process.pid} {process.started}\n"
