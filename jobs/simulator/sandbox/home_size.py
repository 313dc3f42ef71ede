"""Measure what a home takes on the disk, wherever its owner has put it: in closed folders, or below very long paths."""

import contextlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

BLOCK = 512
LONGEST_RELATIVE = 2000  # bytes of a path from the last folder that is kept open; the kernel takes 4095
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass
class HomeSize:
    """Bytes on the disk, and how many files and folders."""

    bytes: int = 0
    files: int = 0


class _Anchor:
    """A folder that is kept open as long as something below it is still to be measured."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __del__(self) -> None:
        os.close(self.descriptor)


def home_size(home: Path) -> HomeSize:
    """Return what a home takes. What vanishes meanwhile is not counted; links are counted and not followed.

    Folders that their owner has closed to themselves are opened (u+rwx), if they are this process's own user's.
    """
    size = HomeSize()
    try:
        todo = [(_Anchor(os.open(home, FOLDER)), b".")]
    except OSError:
        return size
    while todo:
        anchor, path = todo.pop()
        try:
            descriptor = _open_folder(anchor, path)
        except OSError:
            continue
        # Closed by whoever holds it last: this turn, or what is below.
        here = _Anchor(descriptor)
        is_far = len(path) > LONGEST_RELATIVE
        for name, status in _entries(descriptor):
            size.bytes += status.st_blocks * BLOCK
            size.files += 1
            if stat.S_ISDIR(status.st_mode):
                todo.append((here, name) if is_far else (anchor, path + b"/" + name))
    return size


def _entries(folder: int) -> list[tuple[bytes, os.stat_result]]:
    found: list[tuple[bytes, os.stat_result]] = []
    try:
        names = os.listdir(folder)
    except OSError:
        return found  # removed meanwhile
    for name in names:
        with contextlib.suppress(OSError):
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            found.append((os.fsencode(name), status))
    return found


def _open_folder(anchor: _Anchor, path: bytes) -> int:
    """Open a folder to read it. Raises OSError."""
    try:
        return os.open(path, FOLDER, dir_fd=anchor.descriptor)
    except PermissionError:
        closed = os.open(path, os.O_PATH | FOLDER, dir_fd=anchor.descriptor)
    try:
        status = os.fstat(closed)
        if status.st_uid != os.geteuid():
            raise PermissionError(path)
        os.chmod(f"/proc/self/fd/{closed}", stat.S_IMODE(status.st_mode) | stat.S_IRWXU)
    finally:
        os.close(closed)
    return os.open(path, FOLDER, dir_fd=anchor.descriptor)
