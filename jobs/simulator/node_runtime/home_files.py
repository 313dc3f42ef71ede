"""Read and write files of a node's home. Part of what runs inside a node: standard library only."""

from __future__ import annotations

import os
import stat

from jobs.simulator.node_runtime.xauthority import with_cookie

XAUTHORITY_BYTES = 1 << 20


def read_text(path: str, limit: int) -> str:
    """Return at most `limit` bytes of a regular file. Never blocks, whatever a person put in its place."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        check_regular(descriptor)
        return os.read(descriptor, limit).decode("utf-8", "replace")
    finally:
        os.close(descriptor)


def make_missing(folders: list[str], files: dict[str, str]) -> None:
    """Make folders and files that are missing. What a person already has stays as it is."""
    for folder in folders:
        os.makedirs(folder, mode=0o755, exist_ok=True)
    for path, text in files.items():
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
        except FileExistsError:
            continue
        with open(descriptor, "w") as file:
            file.write(text)


def add_cookie(path: str, display: str, protocol: str, cookie: str) -> None:
    """Add an X11 cookie for a display of this node to an .Xauthority file."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY, 0o600)
    with open(descriptor, "r+b") as file:
        check_regular(descriptor)
        changed = with_cookie(file.read(XAUTHORITY_BYTES), display, protocol, cookie)
        file.seek(0)
        file.write(changed)
        file.truncate()


def check_regular(descriptor: int) -> None:
    """Raise OSError unless the descriptor is a regular file: a pipe or a device could stop the node."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise OSError("not a regular file")
