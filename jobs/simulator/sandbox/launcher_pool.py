"""Keep one launcher started in advance, so that a new cluster need not wait for an interpreter."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

from jobs.simulator.sandbox.launcher_client import LauncherClient

WARM_UP_SECONDS = 1.0


class LauncherPool:
    """Starts launchers, and notes their process numbers for the next run."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._notes = folder, folder / "launchers"
        self._warm: LauncherClient | None = None
        self._closed = False

    def kill_leftovers(self) -> None:
        """Kill launchers of an earlier run that outlived it.

        Usually the kernel ends them with the simulator. A process number that something else uses now has another start
        time and is left alone.
        """
        try:
            lines = self._notes.read_text().split("\n")
        except FileNotFoundError:
            return
        for line in lines:
            pid, _, started = line.partition(" ")
            if pid.isdigit() and started and started == _start_time(int(pid)):
                os.kill(int(pid), signal.SIGKILL)
        self._notes.unlink()

    async def start(self, plan: dict[str, Any]) -> LauncherClient:
        """Return a launcher that has followed its plan. Raises LauncherFailed."""
        launcher, self._warm = self._warm, None
        if launcher is None or not launcher.alive:
            launcher = self._start_process()
        await launcher.follow_plan(plan)
        # Not at once: the cluster that is booting needs the processor more.
        asyncio.get_running_loop().call_later(WARM_UP_SECONDS, self._warm_up)
        return launcher

    def _warm_up(self) -> None:
        if self._warm is None and not self._closed:
            self._warm = self._start_process()

    def _start_process(self) -> LauncherClient:
        launcher = LauncherClient.start_process(self._folder)
        with open(self._notes, "a") as notes:
            notes.write(f"{launcher.process.pid} {_start_time(launcher.process.pid)}\n")
        return launcher

    def close(self) -> None:
        """End the launcher that waits, and start no more."""
        self._closed = True
        if self._warm is not None:
            self._warm.close()
            self._warm = None


def _start_time(pid: int) -> str:
    """Return when a process started, in the kernel's ticks; an empty text if there is none, or no /proc."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
