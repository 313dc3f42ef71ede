"""Refuse the system calls that a node's programs have no use for, with a seccomp filter that we assemble ourselves.

The agent installs it at its start, in every protection; whatever it starts inherits it and cannot take it off. Refused:
- new namespaces and mounts: a file system in a namespace of one's own is memory that nobody counts;
- kernel keyrings: keys of whoever started the portal, and a channel between clusters;
- io_uring, which works around such filters; userfaultfd, bpf, perf_event_open, fanotify and other calls for experts;
- sockets that are neither unix, IP nor netlink: AF_VSOCK reaches the machine around every network namespace;
- memory that the kernel hides (memfd_secret), and hiding a program's memory from the guard (PR_SET_DUMPABLE);
- slowing or limiting the agent, whose guard keeps the node within its limits and which has the same user;
- calls in another convention (32-bit, x32) and calls newer than this list.
gdb, strace, MPI and everything else that runs as an ordinary user does not need them.

Runs inside a node: standard library only. The numbers are those of the kernel's asm/unistd.h.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 4, 38, 22, 2
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
EPERM, ENOSYS, EAFNOSUPPORT = 1, 38, 97

# CLONE_NEWCGROUP, UTS, IPC, USER, PID, NET and NS; CLONE_NEWTIME is a signal's number for clone().
NEW_NAMESPACES = 0x7E020000
NEW_TIME = 0x80
ALLOWED_SOCKETS = (1, 2, 10, 16)  # AF_UNIX, AF_INET, AF_INET6, AF_NETLINK

# Offsets in struct seccomp_data (linux/seccomp.h), for processors that store the low half of a number first.
NUMBER, ARCHITECTURE, FIRST_ARGUMENT, SECOND_ARGUMENT = 0, 4, 16, 24
# Instructions of the classic BPF machine (linux/bpf_common.h).
LOAD, JUMP_EQUAL, JUMP_GREATER, JUMP_SET, RETURN = 0x20, 0x15, 0x25, 0x45, 0x06

NEWEST = 469  # file_setattr, Linux 6.17; the same number everywhere
# Programs know what to do without these: as if the kernel were older.
UNKNOWN = {
    "clone3": (435, 435),  # its flags cannot be seen from here; the C library then calls clone
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "memfd_secret": (447, 447),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
}
FORBIDDEN = {
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_tree_attr": (467, 467),
    "userfaultfd": (323, 282),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "fanotify_init": (300, 262),
    "open_by_handle_at": (304, 265),
    "lookup_dcookie": (212, 18),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "syslog": (103, 116),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "nfsservctl": (180, 42),
    "vhangup": (153, 58),
}
# Calls that only one kind of processor has.
FORBIDDEN_HERE = {
    "x86_64": {"_sysctl": 156, "sysfs": 139, "uselib": 134, "ustat": 136, "iopl": 172, "ioperm": 173},
    "aarch64": {},
}
# By the number of a process, and (with what the number is of before it) by process, group or user.
ABOUT_A_PROCESS = {
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
    "prlimit64": (302, 261),
}
PRIORITIES = {
    "setpriority": ((141, 140), 2),
    "ioprio_set": ((251, 30), 3),
}  # with the word for all of a user's
CLONE, UNSHARE, SOCKET, SOCKETPAIR, PRCTL = (56, 220), (272, 97), (41, 198), (53, 199), (157, 167)
AUDIT_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
COLUMNS = {"x86_64": 0, "aarch64": 1}


def filter_program(machine: str, agent: int, group: int) -> bytes:
    """Return the filter for a processor (`uname -m`), as the kernel takes it. Raises KeyError for an unknown one.

    `agent` and `group` are the agent's process and its process group, as programs number them.
    """
    column = COLUMNS[machine]
    program = [load(ARCHITECTURE), jump(JUMP_EQUAL, AUDIT_ARCHITECTURES[machine], 1, 0), refuse(ENOSYS)]
    program += [load(NUMBER), jump(JUMP_GREATER, NEWEST, 0, 1), refuse(ENOSYS)]
    for numbers in UNKNOWN.values():
        program += [jump(JUMP_EQUAL, numbers[column], 0, 1), refuse(ENOSYS)]
    for number in (
        *(numbers[column] for numbers in FORBIDDEN.values()),
        *FORBIDDEN_HERE[machine].values(),
    ):
        program += [jump(JUMP_EQUAL, number, 0, 1), refuse(EPERM)]
    program += with_argument(
        CLONE[column], FIRST_ARGUMENT, [jump(JUMP_SET, NEW_NAMESPACES, 0, 1), refuse(EPERM)]
    )
    program += with_argument(
        UNSHARE[column], FIRST_ARGUMENT, [jump(JUMP_SET, NEW_NAMESPACES | NEW_TIME, 0, 1), refuse(EPERM)]
    )
    for numbers in (SOCKET, SOCKETPAIR):
        program += with_argument(numbers[column], FIRST_ARGUMENT, only_these(ALLOWED_SOCKETS, EAFNOSUPPORT))
    for numbers in ABOUT_A_PROCESS.values():
        program += with_argument(
            numbers[column], FIRST_ARGUMENT, [jump(JUMP_EQUAL, agent, 0, 1), refuse(EPERM)]
        )
    for numbers, all_of_a_user in PRIORITIES.values():
        whose = [jump(JUMP_EQUAL, all_of_a_user, 0, 1), refuse(EPERM), load(SECOND_ARGUMENT)]
        whose += [jump(JUMP_EQUAL, agent, 1, 0), jump(JUMP_EQUAL, group or agent, 0, 1), refuse(EPERM)]
        program += with_argument(numbers[column], FIRST_ARGUMENT, whose)
    # Answered as if it had been done: ssh-agent and sftp-server insist on it.
    hiding = [jump(JUMP_EQUAL, PR_SET_DUMPABLE, 0, 3), load(SECOND_ARGUMENT)]
    program += with_argument(PRCTL[column], FIRST_ARGUMENT, [*hiding, jump(JUMP_EQUAL, 0, 0, 1), refuse(0)])
    return b"".join([*program, struct.pack("=HBBI", RETURN, 0, 0, ALLOW)])


def load(offset: int) -> bytes:
    """Return an instruction that loads a word of the call."""
    return struct.pack("=HBBI", LOAD, 0, 0, offset)


def jump(code: int, value: int, when_true: int, when_false: int) -> bytes:
    """Return a comparison with what was loaded, and how many instructions to leave out for each outcome."""
    return struct.pack("=HBBI", code, when_true, when_false, value)


def refuse(error: int) -> bytes:
    """Return an instruction that ends the call with an error; 0 pretends that it was done."""
    return struct.pack("=HBBI", RETURN, 0, 0, ERRNO | error)


def with_argument(number: int, offset: int, instructions: list[bytes]) -> list[bytes]:
    """Return instructions that look at an argument of one call and leave every other call as it is."""
    inside = [load(offset), *instructions, load(NUMBER)]
    return [jump(JUMP_EQUAL, number, 0, len(inside)), *inside]


def only_these(values: Iterable[int], error: int) -> list[bytes]:
    """Return instructions that refuse every value but these."""
    allowed = tuple(values)
    compared = [jump(JUMP_EQUAL, value, len(allowed) - at, 0) for at, value in enumerate(allowed)]
    return [*compared, refuse(error)]


class Program(ctypes.Structure):
    """The kernel's struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def install() -> bool:
    """Filter this process and all that it starts, for good. Return False where the kernel or the processor has none."""
    if sys.platform != "linux" or os.uname().machine not in COLUMNS:
        return False
    code = filter_program(os.uname().machine, os.getpid(), os.getpgid(0))
    program = Program(len(code) // 8, code)
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0
    )
    return bool(done == 0)
