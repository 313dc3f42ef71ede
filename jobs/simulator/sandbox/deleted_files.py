"""Find the space on a disk that is taken by files without a name, which no folder shows, and whose it is.

A deleted file stays as long as a process has it open or mapped, or it waits in a socket. Linux only: elsewhere
nothing is found.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress

from jobs.simulator.sandbox.files_in_flight import files_in_flight

BLOCK = 512


def descendants_of(roots: Iterable[int]) -> set[int]:
    """Return every process below these, and these."""
    children: dict[int, list[int]] = {}
    for pid in _numbers_in("/proc"):
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                children.setdefault(int(file.read().rpartition(b")")[2].split()[1]), []).append(pid)
        except (OSError, IndexError, ValueError):
            continue
    found: set[int] = set()
    todo = list(roots)
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.add(pid)
            todo += children.get(pid, [])
    return found


def deleted_bytes(pids: Iterable[int], device: int) -> int:
    """Return the bytes of deleted files on a device (st_dev) that processes have open, mapped or sent to each other."""
    files: dict[int, int] = {}
    for pid in pids:
        # Only root may look at mapped files; for others their size is what is mapped.
        files = mapped_files(pid, device) | files
        for status in (*_open_files(pid), *files_in_flight(pid)):
            if status.st_dev == device and not status.st_nlink and stat.S_ISREG(status.st_mode):
                files[status.st_ino] = status.st_blocks * BLOCK
    return sum(files.values())


def _open_files(pid: int) -> Iterator[os.stat_result]:
    for folder in (f"/proc/{pid}/fd", f"/proc/{pid}/map_files"):
        for path in _entries(folder):
            with suppress(OSError):
                yield os.stat(path)


def mapped_files(pid: int, device: int) -> dict[int, int]:
    """Return the deleted files that a process has mapped, each with the end of what is mapped of it."""
    found: dict[int, int] = {}
    try:
        with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as file:
            for line in file:
                span, _, offset, numbers, inode, *rest = line.split(None, 5)
                if rest and rest[0].endswith(" (deleted)\n") and _device(numbers) == device:
                    start, end = (int(each, 16) for each in span.split("-"))
                    found[int(inode)] = max(found.get(int(inode), 0), int(offset, 16) + end - start)
    except (OSError, ValueError):
        pass  # it has ended, or does not belong to this user
    return found


def _device(text: str) -> int:
    major, minor = (int(part, 16) for part in text.split(":"))
    return os.makedev(major, minor)


def _entries(folder: str) -> list[str]:
    try:
        return [f"{folder}/{name}" for name in os.listdir(folder)]
    except OSError:
        return []  # it has ended, or does not belong to this user


def _numbers_in(folder: str) -> list[int]:
    try:
        return [int(name) for name in os.listdir(folder) if name.isdigit()]
    except OSError:
        return []
