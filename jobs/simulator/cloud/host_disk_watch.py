"""End the cluster that takes the most when the free space beside the state falls below a floor.

What a cluster takes is its home and the deleted files that its programs still have open. A home stays until its cluster
is deleted, so the free space stays low after that. No other cluster is ended unless it falls further.

Nobody is ended for another's use: the largest is the cause only if it takes its part of what has gone since the most
that was free: a share for each cluster, and one for whatever else writes to this disk.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path

log = logging.getLogger("simulator")
INTERVAL_SECONDS = 3.0
FURTHER_BYTES = 64 << 20
SMALLEST_HOME = 32 << 20


def free_bytes(*folders: Path) -> int:
    """Return the bytes left for an ordinary user, where there are fewest."""
    found = [os.statvfs(folder) for folder in folders]
    return min(stat.f_bavail * stat.f_frsize for stat in found)


def used_bytes(folder: Path) -> int:
    """Return how much a folder takes on the disk. What vanishes meanwhile or cannot be read is not counted."""
    total, todo = 0, [str(folder)]
    while todo:
        try:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
        except OSError:
            continue
    return total


class DiskWatch:
    """`homes` returns the home of every running cluster; `hidden` the bytes of a cluster's deleted files on the disk of
    a folder; `end` ends the nodes of one, with a sentence.
    """

    def __init__(
        self,
        floor: int,
        free: Callable[[], int],
        homes: Callable[[], Mapping[str, Path]],
        end: Callable[[str, str], None],
        hidden: Callable[[str, Path], int] = lambda cluster, home: 0,
    ) -> None:
        self._floor, self._free, self._homes, self._end, self._hidden = floor, free, homes, end, hidden
        self._acted_at: int | None = None
        self._most_free, self._warned_at, self._ended_bytes = 0, floor, 0

    async def run(self) -> None:
        """Check every few seconds, for ever."""
        while True:
            try:
                await self.check()
            except OSError as error:
                log.error("free disk space cannot be watched: %s", error)
            await asyncio.sleep(INTERVAL_SECONDS)

    async def check(self) -> None:
        """Compare the free space with the floor; homes are measured only below it."""
        free = self._free()
        self._most_free = max(self._most_free, free)
        if free >= self._floor:
            self._acted_at, self._warned_at, self._ended_bytes = None, self._floor, 0
            return
        if self._acted_at is not None and free > self._acted_at - FURTHER_BYTES:
            return
        homes = dict(self._homes())
        sizes = {name: await asyncio.to_thread(self._taken, name, home) for name, home in homes.items()}
        name = max(sizes, key=lambda each: sizes[each], default="")
        share = (self._most_free - free - self._ended_bytes) // (len(sizes) + 1)
        if not name or sizes[name] < max(SMALLEST_HOME, share):
            if free < self._warned_at:
                log.error("the disk is nearly full (%d MB left), and no cluster is the cause", free >> 20)
                self._warned_at = free - FURTHER_BYTES
            return
        self._acted_at, self._ended_bytes = free, self._ended_bytes + sizes[name]
        message = f"the disk is nearly full ({free >> 20} MB left) and this cluster's home is the largest"
        log.error("cluster %s is ended: %s (%d MB)", name, message, sizes[name] >> 20)
        self._end(name, message)

    def _taken(self, cluster: str, home: Path) -> int:
        """Return what a cluster takes of the disk."""
        return used_bytes(home) + self._hidden(cluster, home)
