"""The machine's users for clusters (root only): each is given out once, and ended with its cluster."""

import subprocess
from pathlib import Path

from jobs.simulator.store import write

COUNT = 4096
PROBE = 0  # the first is for trying the sandbox
END_SECONDS = 10


class UsedUp(Exception):
    """Every user of the range has been given out."""


class UserNumbers:
    """Numbers from 1 to COUNT-1, in order; the next one is kept on disk, so that none comes twice."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def take(self, taken: set[int], again: bool) -> int:
        """A number nobody had; with `again`, when there is none left, the one had longest ago. Raises UsedUp."""
        try:
            number = int(self._path.read_text())
        except (FileNotFoundError, ValueError):
            number = max(taken, default=PROBE) + 1
        last = number + COUNT if again else COUNT
        for each in range(number, last):
            found = 1 + (each - 1) % (COUNT - 1)
            if found not in taken:
                write(self._path, f"{each + 1}\n")  # goes on counting past COUNT: once round is remembered
                return found
        raise UsedUp


def end_user(uid: int) -> None:
    """Kill every process of a user at once; the kernel lets none fork away. For root."""
    if uid <= 0:
        raise ValueError("not a cluster's user")
    subprocess.run(
        ["/bin/sh", "-c", "kill -KILL -1"],
        user=uid,
        group=uid,
        extra_groups=[],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=END_SECONDS,
        cwd="/",
        env={"PATH": "/usr/bin:/bin"},
        check=False,
    )
