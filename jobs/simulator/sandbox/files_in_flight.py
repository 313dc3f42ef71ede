"""Look at open files that wait in unix sockets between processes: sent, not yet received, in no process's list.

The sockets are duplicated (pidfd_getfd, Linux 5.6) and their messages are peeked at, so that programs lose none. Needs
the right to trace the process: root has it, and its own user if it is an ancestor.
"""

import array
import ctypes
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import closing, suppress

PIDFD_GETFD = 438  # the same number on every processor
SO_PEEK_OFF = 42
MOST_MESSAGES = 4096  # in one look at one process
MOST_FILES = 253  # in one message (SCM_MAX_FD)
MESSAGE_BYTES = 1 << 16
MOST_DEPTH = 8  # sockets that are under way in sockets

_libc = ctypes.CDLL(None, use_errno=True)


def files_in_flight(pid: int) -> Iterator[os.stat_result]:
    """Return what each file is that waits in one of a process's unix sockets; nothing where that cannot be seen."""
    waiting = [number for number in _descriptors(pid) if _has_files_waiting(pid, number)]
    if not waiting or not hasattr(os, "pidfd_open"):
        return
    left = [MOST_MESSAGES]
    with suppress(OSError):
        handle = os.pidfd_open(pid)
        try:
            for number in waiting:
                copy = _libc.syscall(PIDFD_GETFD, handle, number, 0)
                if copy >= 0:
                    with closing(socket.socket(fileno=copy)) as sock:
                        yield from _peek(sock, left, MOST_DEPTH)
        finally:
            os.close(handle)


def _descriptors(pid: int) -> list[int]:
    try:
        return [int(name) for name in os.listdir(f"/proc/{pid}/fdinfo")]
    except OSError:
        return []  # it has ended, or does not belong to this user


def _has_files_waiting(pid: int, number: int) -> bool:
    try:
        with open(f"/proc/{pid}/fdinfo/{number}") as file:
            return any(line.startswith("scm_fds:") and line.split()[1] != "0" for line in file)
    except OSError:
        return False


def _peek(sock: socket.socket, left: list[int], depth: int) -> Iterator[os.stat_result]:
    """Look at the messages that wait in a socket, without taking them; `left` counts down over all sockets."""
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, SO_PEEK_OFF, 0)
        try:
            while left[0] > 0:
                left[0] -= 1
                room = socket.CMSG_SPACE(MOST_FILES * array.array("i").itemsize)
                data, rights, _, _ = sock.recvmsg(
                    MESSAGE_BYTES, room, socket.MSG_PEEK | socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC
                )
                for number in _received(rights):
                    yield from _look(number, left, depth)
                if not data:
                    return
        finally:
            sock.setsockopt(socket.SOL_SOCKET, SO_PEEK_OFF, -1)


def _received(rights: list[tuple[int, int, bytes]]) -> list[int]:
    found = array.array("i")
    for level, kind, payload in rights:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(payload[: len(payload) - len(payload) % found.itemsize])
    return list(found)


def _look(number: int, left: list[int], depth: int) -> Iterator[os.stat_result]:
    """Return what a file is, and look into it if it is a socket. Closes it."""
    try:
        status = os.fstat(number)
    except OSError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        os.close(number)
        yield status
        return
    with closing(socket.socket(fileno=number)) as sock:
        if depth and sock.family == socket.AF_UNIX:
            yield from _peek(sock, left, depth - 1)
