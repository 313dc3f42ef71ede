"""Sockets by which the next simulator reaches launchers and agents that an earlier one started.

They are in the cluster's folder of the state, which no node sees and no cluster's user can enter. A path to a unix
socket may have 107 bytes, so the folder is opened and named by its descriptor. Where a system has no such names and the
path is too long, nobody finds the socket: nodes then end with their simulator, after a while.
"""

import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BACKLOG = 4
LONGEST_PATH = 103  # of the BSDs, macOS among them
SUFFIX = ".control"
LAUNCHER = "launcher"


def listen(folder: Path, name: str) -> socket.socket:
    """Return a listening socket. Raises OSError."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        (folder / (name + SUFFIX)).unlink(missing_ok=True)
        with _short_path(folder, name) as path:
            listener.bind(path)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def connect(folder: Path, name: str) -> socket.socket:
    """Return a connection to the process that has the listening socket. Raises OSError if there is none."""
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connected.setblocking(False)  # a full queue must not hold the simulator
    try:
        with _short_path(folder, name) as path:
            connected.connect(path)
    except OSError:
        connected.close()
        raise
    return connected


@contextmanager
def _short_path(folder: Path, name: str) -> Iterator[str]:
    if sys.platform != "linux":
        path = str(folder / (name + SUFFIX))
        with tempfile.TemporaryDirectory() as elsewhere:
            yield path if len(os.fsencode(path)) <= LONGEST_PATH else f"{elsewhere}/{SUFFIX}"
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}{SUFFIX}"
    finally:
        os.close(descriptor)
