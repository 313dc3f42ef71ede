"""A launcher's process: one that this simulator started, or one that an earlier simulator left.

A process number alone may be somebody else's by now, so it counts only together with the start time.
"""

import contextlib
import json
import os
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from jobs.simulator.store import write_atomically

NOTE = "launcher.json"


@dataclass(frozen=True)
class LauncherProcess:
    """`child` is set for one that this simulator started."""

    pid: int
    started: str
    child: "subprocess.Popen[bytes] | None" = field(default=None, compare=False)

    @classmethod
    def of_child(cls, child: "subprocess.Popen[bytes]") -> "LauncherProcess":
        """Return the process that was just started."""
        return cls(child.pid, start_time(child.pid), child)

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        if self.child is not None:
            return self.child.poll() is None
        return bool(self.started) and start_time(self.pid) == self.started

    def kill(self) -> None:
        """Kill it, if it still runs."""
        if self.is_running:
            with contextlib.suppress(ProcessLookupError):  # it may just have ended by itself
                os.kill(self.pid, signal.SIGKILL)
        if self.child is not None:
            # A killed process ends in a moment; without this wait it would stay as a zombie.
            self.child.wait()


def note(folder: Path, process: LauncherProcess, runtime: str) -> None:
    """Note in the cluster's folder which process its launcher is, and what it runs. Raises OSError."""
    folder.mkdir(mode=0o700, exist_ok=True)
    text = json.dumps({"pid": process.pid, "started": process.started, "runtime": runtime})
    write_atomically(folder / NOTE, text)


def noted(folder: Path) -> tuple[LauncherProcess, str] | None:
    """Return the launcher of the cluster with this folder, if it still runs, and what it runs."""
    try:
        found = json.loads((folder / NOTE).read_text())
        process = LauncherProcess(int(found["pid"]), str(found["started"]))
        runtime = str(found["runtime"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (process, runtime) if process.is_running else None


def start_time(pid: int) -> str:
    """Return when a process started, in the kernel's ticks; empty if it has ended, or where there is no /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    except (OSError, IndexError):
        return ""
