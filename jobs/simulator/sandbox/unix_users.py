"""Assign each simulated cluster an unused user id of the host, and kill that user's processes at its end. Root only."""

import os
import subprocess
from pathlib import Path

from jobs.simulator.store import write_atomically

COUNT = 4096
PROBE = 0  # the first is for probing the sandbox
END_SECONDS = 10


class NoUserLeft(Exception):
    """Every user of the range has been given out."""


class UserNumbers:
    """Numbers from 1 to COUNT-1, in order. The next one is kept on disk, so that none is given out twice."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def acquire(self, taken: set[int], reuse: bool) -> int:
        """Return a number nobody had; with `reuse`, if none is left, the one used longest ago. Raises NoUserLeft."""
        try:
            number = int(self._path.read_text())
        except (FileNotFoundError, ValueError):
            number = max(taken, default=PROBE) + 1
        last = number + COUNT if reuse else COUNT
        for each in range(number, last):
            found = 1 + (each - 1) % (COUNT - 1)
            if found not in taken:
                write_atomically(
                    self._path, f"{each + 1}\n"
                )  # counts on past COUNT: later rounds are known as such
                return found
        raise NoUserLeft


def kill_processes_of_user(uid: int) -> None:
    """Kill every process of a user at once, so that none can fork away. For root."""
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


def first_uid(seed: int) -> int | None:
    """Return where the users for clusters begin, inside what this user namespace maps; None unless root."""
    if os.geteuid() != 0:
        return None
    try:
        ranges = [
            tuple(map(int, line.split())) for line in Path("/proc/self/uid_map").read_text().splitlines()
        ]
    except OSError:
        return 200_000
    end = max(first + count for first, _, count in ranges)
    if end > 2_000_000_000:
        return 1_880_000_000 + seed % 20_000 * COUNT
    return 20_000 + seed % 8 * COUNT if end >= 65_536 else None
