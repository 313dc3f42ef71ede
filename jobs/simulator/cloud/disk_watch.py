"""Watches the free space below the state directory: at a floor, the cluster with the largest home is ended.

What a home holds stays until its cluster is deleted, so free space stays low after that; nobody else is ended unless
it falls further.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path

log = logging.getLogger("simulator")
EVERY_SECONDS = 3.0
FURTHER = 64 << 20
LEAST_HOME = 32 << 20


def free_bytes(*folders: Path) -> int:
    """Bytes left for an ordinary user where there are fewest."""
    found = [os.statvfs(folder) for folder in folders]
    return min(stat.f_bavail * stat.f_frsize for stat in found)


def used_bytes(folder: Path) -> int:
    """What a folder takes on the disk; what goes away or is closed meanwhile counts nothing."""
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
    """`homes` tells the home of every cluster that still runs; `end` ends the nodes of one."""

    def __init__(
        self,
        floor: int,
        free: Callable[[], int],
        homes: Callable[[], Mapping[str, Path]],
        end: Callable[[str, str], None],
    ) -> None:
        self._floor, self._free, self._homes, self._end = floor, free, homes, end
        self._acted_at: int | None = None

    async def run(self) -> None:
        """Look every few seconds, for ever."""
        while True:
            try:
                await self.look()
            except OSError as error:
                log.error("free disk space cannot be watched: %s", error)
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> None:
        """Cheap while there is room; homes are walked only below the floor."""
        free = self._free()
        if free >= self._floor:
            self._acted_at = None
            return
        if self._acted_at is not None and free > self._acted_at - FURTHER:
            return
        homes = dict(self._homes())
        sizes = {name: await asyncio.to_thread(used_bytes, home) for name, home in homes.items()}
        name = max(sizes, key=lambda each: sizes[each], default="")
        if not name or sizes[name] < LEAST_HOME:
            return  # no cluster's doing
        self._acted_at = free
        words = f"the disk is nearly full ({free >> 20} MB left) and this cluster's home is the largest"
        log.error("cluster %s is ended: %s (%d MB)", name, words, sizes[name] >> 20)
        self._end(name, words)
