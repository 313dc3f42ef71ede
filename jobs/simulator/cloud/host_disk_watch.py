"""End the cluster that takes the most when the disk beside the state runs short, of bytes or of files.

What a cluster takes is its home and the deleted files that its programs still have open. A home stays until its cluster
is deleted, so what is free stays low after that. No other cluster is ended unless it falls further.

Nobody is ended for another's use: the largest is the cause only if it takes its part of what has gone since the most
that was free: a share for each cluster, and one for whatever else writes to this disk.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger("simulator")
INTERVAL_SECONDS = 3.0
FURTHER_BYTES = 64 << 20
FILES_FLOOR_PART = 50  # of all files that the disk can have
PLENTY = 1 << 62


@dataclass(frozen=True)
class DiskMeasure:
    """What runs short, with `shown` for people: how much a home takes that is the cause, and what is a further loss."""

    shown: Callable[[int], str]
    smallest: int
    further: int


BYTES = DiskMeasure(lambda left: f"{left >> 20} MB left", 32 << 20, FURTHER_BYTES)
FILES = DiskMeasure(lambda left: f"room for {left} files left", 10_000, 10_000)


def free_bytes(*folders: Path) -> int:
    """Return the bytes left for an ordinary user, where there are fewest."""
    found = [os.statvfs(folder) for folder in folders]
    return min(stat.f_bavail * stat.f_frsize for stat in found)


def free_files(*folders: Path) -> int:
    """Return how many files an ordinary user could still make; PLENTY on disks without a fixed number of them."""
    found = [os.statvfs(folder) for folder in folders]
    return min((stat.f_favail for stat in found if stat.f_files), default=PLENTY)


def files_floor(*folders: Path) -> int:
    """Return how many files should be left."""
    return min(os.statvfs(folder).f_files for folder in folders) // FILES_FLOOR_PART


class DiskWatch:
    """Watches one measure of the disk.

    `homes` returns the home of every running cluster; `taken` what a cluster with this home takes; `end` ends the nodes
    of one, with a sentence.
    """

    def __init__(
        self,
        measure: DiskMeasure,
        floor: int,
        free: Callable[[], int],
        homes: Callable[[], Mapping[str, Path]],
        taken: Callable[[str, Path], int],
        end: Callable[[str, str], None],
    ) -> None:
        self._measure, self._floor, self._free = measure, floor, free
        self._homes, self._taken, self._end = homes, taken, end
        self._acted_at: int | None = None
        self._most_free, self._warned_at, self._taken_by_ended = 0, floor, 0

    async def run(self) -> None:
        """Check every few seconds, for ever."""
        while True:
            try:
                await self.check()
            except OSError as error:
                log.error("free disk space cannot be watched: %s", error)
            await asyncio.sleep(INTERVAL_SECONDS)

    async def check(self) -> None:
        """Compare what is free with the floor; homes are measured only below it."""
        free, measure = self._free(), self._measure
        self._most_free = max(self._most_free, free)
        if free >= self._floor:
            self._acted_at, self._warned_at, self._taken_by_ended = None, self._floor, 0
            return
        if self._acted_at is not None and free > self._acted_at - measure.further:
            return
        homes = dict(self._homes())
        sizes = {name: await asyncio.to_thread(self._taken, name, home) for name, home in homes.items()}
        name = max(sizes, key=lambda each: sizes[each], default="")
        share = (self._most_free - free - self._taken_by_ended) // (len(sizes) + 1)
        message = f"the disk is nearly full ({measure.shown(free)})"
        if not name or sizes[name] < max(measure.smallest, share):
            if free < self._warned_at:
                log.error("%s, and no cluster is the cause", message)
                self._warned_at = free - measure.further
            return
        self._acted_at, self._taken_by_ended = free, self._taken_by_ended + sizes[name]
        message += " and this cluster's home is the largest"
        log.error("cluster %s is ended: %s (%d)", name, message, sizes[name])
        self._end(name, message)
