"""Limit what a node's programs may take, with the kernel's own limits. Runs inside a node: standard library only."""

from __future__ import annotations

import os
import resource

MIN_DATA_MB = 256
USER_PROCESSES, SPARE_PROCESSES = 4096, 32
OPEN_FILES, PENDING_SIGNALS, MESSAGE_QUEUE_BYTES = 4096, 4096, 1 << 20
max_processes = USER_PROCESSES


def set_limits(file_mb: int, memory_mb: int, processes: int) -> None:
    """Limit the node's processes, and the files, memory and descriptors of each program.

    A program may reserve twice the node's memory, because programs reserve more than they use; `limits_guard`
    counts use.
    """
    global max_processes
    # Before Linux 5.14, and outside of a user namespace, the kernel counts all processes of the user on the machine.
    is_counted_here = os.getpid() == 1 and kernel_version() >= (5, 14)
    max_processes = processes if is_counted_here else max(processes, USER_PROCESSES)
    limit_processes(SPARE_PROCESSES)
    limits = {
        "RLIMIT_NOFILE": OPEN_FILES,
        # Not 0: the kernel would still hand the core to a program of the machine's, if it has one for that.
        "RLIMIT_CORE": 1,
        "RLIMIT_MEMLOCK": max(memory_mb, MIN_DATA_MB) << 20,
        "RLIMIT_SIGPENDING": PENDING_SIGNALS,
        "RLIMIT_MSGQUEUE": MESSAGE_QUEUE_BYTES,
        "RLIMIT_NICE": 0,
        "RLIMIT_RTPRIO": 0,
        "RLIMIT_FSIZE": file_mb << 20,
        "RLIMIT_DATA": max(memory_mb, MIN_DATA_MB) << 21,
    }
    for name, value in limits.items():
        if hasattr(resource, name):
            lower_limit(getattr(resource, name), value)


def limit_processes(spare: int) -> None:
    """Limit the processes. The agent has some to spare, so that a person can log in to a node full of processes."""
    lower_limit(resource.RLIMIT_NPROC, max_processes + spare)


def set_oom_score(score: int) -> None:
    """Should the machine, or the node's control group, run out of memory: who has more of 1000 is killed first."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write(str(score))
    except OSError:
        pass  # not Linux, or a container that does not allow it


def lower_limit(which: int, wanted: int) -> None:
    """Set a limit, unless a lower one is in force."""
    try:
        _, hard = resource.getrlimit(which)
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(which, (value, value))
    except (OSError, ValueError):
        pass


def kernel_version() -> tuple[int, int]:
    """Return the running kernel's version."""
    major, minor = os.uname().release.split(".")[:2]
    digits = "".join(character for character in minor if character.isdigit())
    return int(major), int(digits or 0)
