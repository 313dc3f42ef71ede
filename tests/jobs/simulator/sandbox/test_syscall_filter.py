"""The filter of system calls: what it refuses on each processor, and what programs in a real node still can do."""

import json
import os
import struct
from pathlib import Path

import pytest

from jobs.simulator.node_runtime import syscall_filter as wanted
from jobs.simulator.sandbox.agent_install import Python
from jobs.simulator.sandbox.protection import UNFILTERED, NodeFeatures, Protection, Sandbox, unprotected
from tests.jobs.simulator.simulator_process import Cluster

ALLOWED = "allowed"
# unistd.h of each processor, by hand: x86_64, aarch64.
NUMBERS = {
    "read": (0, 63), "execve": (59, 221), "clone": (56, 220), "clone3": (435, 435), "unshare": (272, 97),
    "setns": (308, 268), "mount": (165, 40), "fsopen": (430, 430), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218), "io_uring_setup": (425, 425), "userfaultfd": (323, 282), "bpf": (321, 280),
    "perf_event_open": (298, 241), "socket": (41, 198), "socketpair": (53, 199), "prctl": (157, 167),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "memfd_create": (319, 279), "personality": (135, 92),
    "setpriority": (141, 140), "ioprio_set": (251, 30), "prlimit64": (302, 261), "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "memfd_secret": (447, 447), "newest": (469, 469), "unheard_of": (470, 470), "x32_read": (0x40000000, 0x40000000),
}  # fmt: skip
AGENT, GROUP = 5, 4
AF_INET6, AF_NETLINK, AF_VSOCK, AF_ALG = 10, 16, 40, 38
NEW_USER, NEW_TIME, FORK = 0x10000000, 0x80, 0x01200011
CASES = [
    ("read", (), ALLOWED), ("execve", (), ALLOWED), ("ptrace", (), ALLOWED), ("process_vm_readv", (), ALLOWED),
    ("memfd_create", (), ALLOWED), ("personality", (), ALLOWED), ("newest", (), ALLOWED),
    ("clone", (FORK,), ALLOWED), ("clone", (FORK | NEW_USER,), 1), ("clone", (0x20000 | 17,), 1),
    ("clone3", (0,), 38), ("unshare", (0x400,), ALLOWED), ("unshare", (NEW_USER,), 1), ("unshare", (NEW_TIME,), 1),
    ("setns", (3, 0), 1), ("mount", (), 1), ("fsopen", (), 1), ("keyctl", (), 38), ("add_key", (), 38),
    ("request_key", (), 38), ("io_uring_setup", (), 38), ("userfaultfd", (), 1), ("bpf", (), 1),
    ("perf_event_open", (), 1), ("memfd_secret", (), 38), ("unheard_of", (), 38), ("x32_read", (), 38),
    ("socket", (1,), ALLOWED), ("socket", (AF_INET6,), ALLOWED), ("socket", (AF_NETLINK,), ALLOWED),
    ("socket", (AF_VSOCK,), 97), ("socket", (AF_ALG,), 97), ("socketpair", (1,), ALLOWED),
    ("socketpair", (AF_VSOCK,), 97), ("prctl", (4, 0), 0), ("prctl", (4, 1), ALLOWED), ("prctl", (38, 1), ALLOWED),
    ("prlimit64", (AGENT,), 1), ("prlimit64", (0,), ALLOWED), ("prlimit64", (77,), ALLOWED),
    ("sched_setaffinity", (AGENT,), 1), ("sched_setscheduler", (AGENT,), 1), ("sched_setscheduler", (0,), ALLOWED),
    ("setpriority", (0, 0), ALLOWED), ("setpriority", (0, 77), ALLOWED), ("setpriority", (0, AGENT), 1),
    ("setpriority", (1, GROUP), 1), ("setpriority", (2, 0), 1), ("ioprio_set", (1, 0), ALLOWED),
    ("ioprio_set", (1, AGENT), 1), ("ioprio_set", (3, 0), 1),
]  # fmt: skip


def outcome(machine: str, architecture: int, number: int, arguments: tuple[int, ...] = ()) -> object:
    """Run the filter as the kernel does, and return the error, or ALLOWED."""
    call = struct.pack("=iIQ6Q", number, architecture, 0, *(*arguments, *[0] * (6 - len(arguments))))
    program = list(struct.iter_unpack("=HBBI", wanted.filter_program(machine, AGENT, GROUP)))
    at, loaded = 0, 0
    while True:
        code, when_true, when_false, value = program[at]
        at += 1
        if code == wanted.RETURN:
            return ALLOWED if value == wanted.ALLOW else value - wanted.ERRNO
        if code == wanted.LOAD:
            (loaded,) = struct.unpack_from("=I", call, value)
            continue
        passed = {
            wanted.JUMP_EQUAL: loaded == value,
            wanted.JUMP_GREATER: loaded > value,
            wanted.JUMP_SET: bool(loaded & value),
        }[code]
        at += when_true if passed else when_false


@pytest.mark.parametrize(("column", "machine"), [(0, "x86_64"), (1, "aarch64")])
@pytest.mark.parametrize(("name", "arguments", "expected"), CASES)
def test_what_each_call_gets(
    column: int, machine: str, name: str, arguments: tuple[int, ...], expected: object
) -> None:
    architecture = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[machine]
    assert outcome(machine, architecture, NUMBERS[name][column], arguments) == expected


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_another_convention_gets_nothing(machine: str) -> None:
    """32-bit calls have other numbers: what is harmless by its number there may be a mount."""
    assert outcome(machine, 0x40000003, 3) == 38


def test_processors_that_are_not_known_are_not_guessed() -> None:
    with pytest.raises(KeyError):
        wanted.filter_program("vax", AGENT, GROUP)


PROBE = r"""
import ctypes, errno, json, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    libc.syscall.restype = ctypes.c_long
    done = libc.syscall(numbers[name], *arguments)
    return "done" if done >= 0 else errno.errorcode[ctypes.get_errno()]
def open_socket(family, kind):
    try:
        socket.socket(family, kind).close()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"
found = {
    "user namespace": call("unshare", 0x10000000),
    "user namespace by clone": call("clone", 0x10000011, 0, 0, 0, 0),
    "mount": call("mount", b"none", b"/tmp", b"tmpfs", 0, 0),
    "keyring": call("keyctl", 0, -3, 0),
    "io_uring": call("io_uring_setup", 1, 0),
    "userfaultfd": call("userfaultfd", 1),
    "bpf": call("bpf", 0, 0, 0),
    "perf": call("perf_event_open", 0, 0, 0, 0, 0),
    "vsock": open_socket(40, socket.SOCK_STREAM),
    "packet": open_socket(17, socket.SOCK_RAW),
    "unix": open_socket(socket.AF_UNIX, socket.SOCK_STREAM),
    "inet": open_socket(socket.AF_INET, socket.SOCK_STREAM),
    "memfd": call("memfd_create", b"x", 0),
}
print(json.dumps(found))
"""


@pytest.mark.skipif(os.uname().machine not in wanted.COLUMNS, reason="no filter for this processor")
@pytest.mark.parametrize("mode", ["bubblewrap", "uid"])
def test_in_a_real_node(mode: str, cluster: Cluster, one_with_uid: Cluster, keys: dict[str, Path]) -> None:
    column = wanted.COLUMNS[os.uname().machine]
    numbers = {name: both[column] for name, both in NUMBERS.items()}
    made = cluster if mode == "bubblewrap" else one_with_uid
    done = made.ssh(keys["alice"], "python3 -", stdin=f"numbers = {numbers}\n{PROBE}".encode())
    found = json.loads(done.stdout)
    assert found == {
        "user namespace": "EPERM", "user namespace by clone": "EPERM", "mount": "EPERM", "keyring": "ENOSYS",
        "io_uring": "ENOSYS", "userfaultfd": "EPERM", "bpf": "EPERM", "perf": "EPERM", "vsock": "EAFNOSUPPORT",
        "packet": "EAFNOSUPPORT", "unix": "done", "inet": "done", "memfd": "done",
    }  # fmt: skip


SLOW_DOWN = """
import os, resource
def attempt(name, work):
    try:
        work()
    except OSError as error:
        return
    print(name)
attempt("nice", lambda: os.setpriority(os.PRIO_PROCESS, agent, 19))
attempt("nice of the user", lambda: os.setpriority(os.PRIO_USER, 0, 19))
attempt("idle", lambda: os.sched_setscheduler(agent, os.SCHED_IDLE, os.sched_param(0)))
attempt("affinity", lambda: os.sched_setaffinity(agent, {0}))
attempt("limits", lambda: resource.prlimit(agent, resource.RLIMIT_NOFILE, (3, 3)))
"""


@pytest.mark.skipif(os.uname().machine not in wanted.COLUMNS, reason="no filter for this processor")
def test_no_program_slows_or_limits_the_agent(cluster: Cluster, keys: dict[str, Path]) -> None:
    """Its guard is what keeps the node within its limits where there are no control groups."""
    done = cluster.ssh(keys["alice"], "python3 -", stdin=f"agent = 1\n{SLOW_DOWN}".encode())
    assert (done.returncode, done.stdout) == (0, b""), done.stderr


USUAL_WORK = {
    "gcc": "printf '#include <stdio.h>\\nint main(){puts(\"built\");}' > a.c && gcc -g -o a a.c && ./a",
    "gdb": "gdb -q -batch -ex run -ex 'print 6*7' ./a | grep -q '= 42' && echo stopped",
    "strace": "strace -f -o trace ./a && grep -q execve trace && echo traced",
    "threads": "python3 -c 'import threading; t = threading.Thread(target=print, args=(1,)); t.start(); t.join()'",
    "processes": "python3 -c 'import multiprocessing as m; print(m.Pool(2).map(abs, [-1, 2]))'",
    "subprocess": "python3 -c 'import subprocess; subprocess.run([\"true\"], check=True, start_new_session=True)'",
    "git": "git init -q r && cd r && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x && git log",
    "tar": "mkdir -p d && echo x > d/f && tar czf d.tgz d && tar tzf d.tgz | grep d/f",
    "agent": 'eval "$(ssh-agent)" > /dev/null && ssh-keygen -q -t ed25519 -N "" -f k && ssh-add k && ssh-add -l',
    "renice": "nice -n 5 true && taskset -c 0 true && timeout 5 true",
}


def test_what_engineers_use_still_works(cluster: Cluster, keys: dict[str, Path]) -> None:
    for name, command in USUAL_WORK.items():
        done = cluster.ssh(keys["alice"], f"mkdir -p ~/usual && cd ~/usual && {command}")
        assert done.returncode == 0, (name, done.stdout, done.stderr)


@pytest.mark.parametrize("filters", [True, False])
def test_it_is_said_where_there_is_no_filter(filters: bool) -> None:
    sandbox = Sandbox(Protection.BUBBLEWRAP, Python("/usr/bin/python3", None), False, None)
    assert (UNFILTERED in unprotected(sandbox, NodeFeatures(filters_syscalls=filters))) is not filters
