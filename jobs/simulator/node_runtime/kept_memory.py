"""Count memory that is kept without any program having it mapped: a file system's, System V's, and memfd files.

- /tmp, /var/tmp and /dev/shm of the node are file systems in memory: their files stay until they are deleted.
- System V segments, queues and semaphores stay until somebody removes them.
- A memfd (memfd_create) has no name in any folder: it is found through the descriptors of the processes that hold it.

Runs inside a node: standard library only.
"""

from __future__ import annotations

import ctypes
import os

TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - the node's own
MOST_LINKS = 2000  # descriptors that one look reads; the next one goes on from there
SEMAPHORE_BYTES, INODE_BYTES = 64, 1024
IPC_RMID = 0


class KeptMemory:
    """What the node keeps; remembers each process's memfd files, because not all can be looked at each time."""

    def __init__(self) -> None:
        self.memfds: dict[int, dict[tuple[int, int], int]] = {}
        self.order: list[int] = []

    def total_bytes(self, pids: list[int]) -> int:
        """Look again and return the bytes that are kept. Without a sandbox only memfd files can be told apart."""
        self.look(pids)
        files: dict[tuple[int, int], int] = {}
        for found in self.memfds.values():
            files.update(found)
        total = sum(files.values())
        if os.getpid() == 1:
            total += sum(map(bytes_in, TEMPORARY)) + system_v_bytes()
        return total

    def held_by(self, pid: int) -> int:
        """Return the bytes of the memfd files that a process has open, as of the last look."""
        return sum(self.memfds.get(pid, {}).values())

    def look(self, pids: list[int]) -> None:
        """Look at the descriptors of processes, those first whose turn is longest ago."""
        alive = set(pids)
        for pid in [pid for pid in self.memfds if pid not in alive]:
            del self.memfds[pid]
        waiting = [pid for pid in self.order if pid in alive]
        known = set(waiting)
        self.order = [pid for pid in pids if pid not in known] + waiting
        left = MOST_LINKS
        while self.order and left > 0:
            pid = self.order.pop(0)
            found, links = memfds_of(pid)
            left -= links + 1
            if found:
                self.memfds[pid] = found
            else:
                self.memfds.pop(pid, None)
        seen = set(self.order)
        self.order += [pid for pid in pids if pid not in seen]


def memfds_of(pid: int) -> tuple[dict[tuple[int, int], int], int]:
    """Return the memfd files that a process has open, with their bytes, and how many descriptors it has."""
    found: dict[tuple[int, int], int] = {}
    folder = f"/proc/{pid}/fd/"
    try:
        names = os.listdir(folder)
    except OSError:
        return found, 0  # it has ended, or its details are not readable
    for name in names:
        try:
            if os.readlink(folder + name).startswith("/memfd:"):
                status = os.stat(folder + name)
                found[status.st_dev, status.st_ino] = status.st_blocks * 512
        except OSError:
            continue
    return found, len(names)


def bytes_in(path: str) -> int:
    """Return how many bytes a file system in memory holds; an empty file takes some, too."""
    try:
        found = os.statvfs(path)
    except OSError:
        return 0
    return (found.f_blocks - found.f_bfree) * found.f_frsize + (found.f_files - found.f_ffree) * INODE_BYTES


def system_v_bytes() -> int:
    """Return the bytes of the node's System V segments, queues and semaphores."""
    return (
        sum(row["rss"] + row["swap"] for row in system_v("shm"))
        + sum(row["cbytes"] for row in system_v("msg"))
        + sum(row["nsems"] * SEMAPHORE_BYTES for row in system_v("sem"))
    )


def system_v(kind: str) -> list[dict[str, int]]:
    """Return the rows of a table of /proc/sysvipc: shm, msg or sem."""
    try:
        with open(f"/proc/sysvipc/{kind}") as file:
            head = file.readline().split()
            return [dict(zip(head, map(int, line.split()))) for line in file]  # noqa: B905 - Python 3.9
    except (OSError, ValueError):
        return []


def remove_unused_segments() -> int:
    """Remove the System V segments that no process has attached; return how many. Only in a node of its own."""
    unused = [row["shmid"] for row in system_v("shm") if not row["nattch"]] if os.getpid() == 1 else []
    if not unused:
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    return sum(libc.shmctl(number, IPC_RMID, None) == 0 for number in unused)
