"""Memory that no program has mapped, or that no folder shows, counts for the node that has it: tried in real nodes.

`kernel`: counted by control groups, if this machine has them. `watched`: only by the guard, as where there are none.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.jobs.simulator.simulator_process import Cluster, Simulator
from tests.waiting import wait_for

# Each takes 1,300 MB on a node that has 1,024 MB, and is over when the node ends it.
MEMFD = "import os\nfile = os.memfd_create('x')\nfor _ in range(1300): os.write(file, bytes(1 << 20))"
SHARED = """import mmap
kept = mmap.mmap(-1, 1300 << 20)
for at in range(1300): kept[at << 20:(at + 1) << 20] = bytes(1 << 20)"""
SYSTEM_V = """import ctypes
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
for _ in range(13):
    segment = libc.shmget(0, 100 << 20, 0o1600)
    at = libc.shmat(segment, None, 0)
    ctypes.memset(at, 1, 100 << 20)
    libc.shmdt(ctypes.c_void_p(at))"""
MANY_MEMFDS = """import os, subprocess, sys
children = [subprocess.Popen([sys.executable, "-c", '''
import os, time
file = os.memfd_create("x")
for _ in range(330): os.write(file, bytes(1 << 20))
time.sleep(600)''']) for _ in range(4)]
os.wait()
for child in children: child.kill()"""
# Pages that are given back to the kernel, but stay in the file: no process has them in its tables.
UNMAPPED = """import mmap
kept = mmap.mmap(-1, 1300 << 20)
for at in range(1300):
    kept[at << 20:(at + 1) << 20] = bytes(1 << 20)
    kept.madvise(mmap.MADV_DONTNEED, at << 20, 1 << 20)"""
SOCKETS = """import os, socket
pairs = []
while True:
    try: one, other = socket.socketpair()
    except OSError: # this process has no descriptor left: another goes on
        if os.fork():
            os.wait()
            raise SystemExit
        os.closerange(3, 5000)
        continue
    one.setblocking(False)
    try:
        while True: one.send(bytes(65536))
    except BlockingIOError: pass
    pairs += [one, other]
"""
WATCHED = {"memfd": MEMFD, "shared": SHARED, "system v": SYSTEM_V, "many": MANY_MEMFDS}
ONLY_KERNEL = {"unmapped": UNMAPPED, "sockets": SOCKETS}


@pytest.fixture(scope="module", params=["kernel", "watched"])
def simulator_that(
    request: pytest.FixtureRequest, simulators: Callable[..., Simulator]
) -> Iterator[Simulator]:
    """A simulator with control groups, and one that is not allowed any."""
    wanted = {"HEADNODE_SIMULATOR_CONTROL_GROUPS": "off"} if request.param == "watched" else {}
    made = simulators(HEADNODE_SIMULATOR_DISK_FLOOR_MB="0", **wanted)
    memory = made.http.get("/healthz").json()["memory"]
    if request.param == "kernel" and memory != "control_groups":
        pytest.skip("no control groups can be made on this machine")
    assert memory == ("control_groups" if request.param == "kernel" else "watched")
    yield made
    made.end()


def is_killed(made: Cluster, key: Path, program: str) -> bool:
    """Run a program that hides memory; return whether the node has killed something and still serves."""
    before = made.nodes()["head"]["log"].count("ut of memory")
    made.ssh(key, "python3 -", stdin=program.encode())
    wait_for(lambda: made.nodes()["head"]["log"].count("ut of memory") > before, "it is counted and ended")
    return made.ssh(key, "echo alive").stdout == b"alive\n"


@pytest.mark.parametrize("name", WATCHED)
def test_hidden_memory_is_counted_and_limited(
    name: str, simulator_that: Simulator, keys: dict[str, Path]
) -> None:
    made = simulator_that.create(f"Mem{list(WATCHED).index(name)}", computes=0)
    assert is_killed(made, keys["alice"], WATCHED[name])
    made.delete()


def test_what_only_the_kernel_sees_is_limited_by_it(simulator_that: Simulator, keys: dict[str, Path]) -> None:
    if simulator_that.http.get("/healthz").json()["memory"] != "control_groups":
        assert "control groups" in simulator_that.http.get("/healthz").json()["unprotected"][0]
        return
    for name, program in ONLY_KERNEL.items():
        made = simulator_that.create(f"Krn{name}", computes=0)
        assert is_killed(made, keys["alice"], program)
        made.delete()
