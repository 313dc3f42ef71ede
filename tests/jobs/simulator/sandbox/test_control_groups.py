"""Where control groups can be made, read from the kernel's own files; and a real one, where this machine has them."""

import asyncio
import os
import subprocess
import zlib
from pathlib import Path

import pytest

from jobs.simulator.sandbox import control_groups
from jobs.simulator.sandbox.control_groups import (
    ControlGroups,
    Hierarchy,
    read_hierarchies,
    where_groups_can_be_made,
)
from tests.jobs.simulator.simulator_process import Simulator
from tests.waiting import wait_for

MOUNT = "36 35 0:30 {root} {at} rw,relatime shared:9 - {kind} {kind} rw,{options}"


def mount(kind: str, at: str, options: str = "", root: str = "/") -> str:
    return MOUNT.format(kind=kind, at=at, options=options, root=root)


def test_version_2_is_one_hierarchy() -> None:
    own = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/term.scope\n"
    (found,) = read_hierarchies(mount("cgroup2", "/sys/fs/cgroup", "nsdelegate") + "\n", own)
    path = Path("/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/term.scope")
    assert found == Hierarchy(path, frozenset(), 2)


def test_version_1_has_one_for_each_controller() -> None:
    mounts = "\n".join(
        [
            mount("cgroup", "/sys/fs/cgroup/memory", "memory"),
            mount("cgroup", "/sys/fs/cgroup/cpu,cpuacct", "cpu,cpuacct"),
            mount("cgroup2", "/sys/fs/cgroup/unified"),
            mount("tmpfs", "/tmp"),
        ]
    )
    own = "5:cpu,cpuacct:/\n4:memory:/a/b\n1:name=systemd:/\n0::/\n"
    found = {
        hierarchy.folder: (hierarchy.controllers, hierarchy.version)
        for hierarchy in read_hierarchies(mounts, own)
    }
    assert found == {
        Path("/sys/fs/cgroup/memory/a/b"): (frozenset({"memory"}), 1),
        Path("/sys/fs/cgroup/cpu,cpuacct"): (frozenset({"cpu", "cpuacct"}), 1),
        Path("/sys/fs/cgroup/unified"): (frozenset(), 2),
    }


def test_a_container_that_shows_a_part_of_the_hierarchy() -> None:
    mounts = mount("cgroup", "/sys/fs/cgroup/memory", "memory", root="/docker/abc")
    (found,) = read_hierarchies(mounts, "4:memory:/docker/abc/inner\n")
    assert found.folder == Path("/sys/fs/cgroup/memory/inner")
    assert list(read_hierarchies(mounts, "4:memory:/docker/xyz\n")) == []


def delegated(top: Path, subtree: str, *below: str) -> Path:
    """Make folders as systemd leaves them to a user: `top` has children with these controllers. Return the lowest."""
    folder = top
    for name in ("", *below):
        folder = folder / name
        folder.mkdir(exist_ok=True)
        (folder / "cgroup.procs").touch()
        (folder / "cgroup.subtree_control").write_text(subtree if folder == top else "")
    return folder


def test_version_2_makes_groups_beside_its_own_where_memory_is_given_to_children(tmp_path: Path) -> None:
    """A group with processes cannot give controllers to its children, so the one above it is taken."""
    (tmp_path / "app").mkdir()
    own = delegated(tmp_path / "app", "memory pids\n", "term.scope")
    found = where_groups_can_be_made(Hierarchy(own, frozenset(), 2))
    assert found == Hierarchy(tmp_path / "app", frozenset({"memory", "pids"}), 2)


def test_version_2_that_gives_no_memory_to_children_is_of_no_use(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    own = delegated(tmp_path / "app", "pids\n", "term.scope")
    assert where_groups_can_be_made(Hierarchy(own, frozenset(), 2)) is None
    assert where_groups_can_be_made(Hierarchy(tmp_path / "nowhere", frozenset(), 2)) is None


def test_version_1_without_a_controller_of_ours_is_left_alone(tmp_path: Path) -> None:
    assert where_groups_can_be_made(Hierarchy(tmp_path, frozenset({"cpu"}), 1)) is None
    assert where_groups_can_be_made(Hierarchy(tmp_path / "nowhere", frozenset({"memory"}), 1)) is None


def test_a_group_counts_the_memory_of_who_is_in_it_and_is_removed_after() -> None:
    groups = ControlGroups.find(f"test-{os.getpid()}")
    if groups is None:
        pytest.skip("no control groups can be made on this machine")
    group = groups.make("node", 64 << 20, 16)
    assert group is not None
    assert not group.has_members()
    enter = "".join(f"echo 0 > {path}; " for path in group.members)
    # Memory that no program has mapped: written to a memfd and never read.
    hold = "import os; os.write(os.memfd_create('x'), bytes(32 << 20)); print(flush=True); input()"
    with subprocess.Popen(
        ["sh", "-c", f'{enter} exec python3 -c "{hold}"'], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert group.has_members()
        assert group.used_bytes() > 32 << 20
        assert group.killed() == 0
        process.communicate(b"\n")
    asyncio.run(group.end())
    assert wait_for(lambda: not any(path.exists() for path in group.members), "it is gone")


FILL_SOCKETS = """import socket
server = socket.create_server(("127.0.0.1", 0), backlog=64)
kept, sent = [], 0
for _ in range(60):
    one = socket.create_connection(server.getsockname())
    one.setblocking(False)
    kept += [one, server.accept()[0]]
    try:
        while True: sent += one.send(bytes(1 << 20))
    except BlockingIOError: pass
print(sent, flush=True)
input()"""


def test_a_group_counts_and_limits_what_waits_in_network_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Version 1 does neither by itself, and the kernel's limit for the whole machine is everybody's."""
    monkeypatch.setattr(control_groups, "SOCKET_BYTES", 16 << 20)
    groups = ControlGroups.find(f"test-{os.getpid()}")
    if groups is None:
        pytest.skip("no control groups can be made on this machine")
    group = groups.make("sockets", 128 << 20, 16)
    assert group is not None
    enter = "".join(f"echo 0 > {path}; " for path in group.members)
    line = ["sh", "-c", f"{enter} exec python3 -c '{FILL_SOCKETS}'"]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        sent = int(process.stdout.readline())
        assert group.used_bytes() > 12 << 20
        assert sent < 100 << 20  # 220 MB without a limit
        process.communicate(b"\n")
    asyncio.run(group.end())


def test_a_cluster_that_is_deleted_leaves_no_group_behind(simulator: Simulator) -> None:
    if simulator.http.get("/healthz").json()["memory"] != "control_groups":
        pytest.skip("no control groups can be made on this machine")
    cluster = simulator.create("Group2", computes=1)
    name = f"headnode-{zlib.crc32(str(simulator.var).encode()):08x}.*"
    folders = [hierarchy.folder for hierarchy in here()]
    assert [path for folder in folders for path in folder.glob(name)]
    simulator.http.delete(cluster.path)
    wait_for(lambda: simulator.http.get(cluster.path).status_code == 404, "the cluster is gone")
    assert [path for folder in folders for path in folder.glob(name)] == []


def test_a_simulator_that_is_stopped_leaves_no_group_behind(simulator: Simulator) -> None:
    """Its nodes are still ending when it has ended them."""
    if simulator.http.get("/healthz").json()["memory"] != "control_groups":
        pytest.skip("no control groups can be made on this machine")
    simulator.create("Group1", computes=1)
    name = f"headnode-{zlib.crc32(str(simulator.var).encode()):08x}.*"
    folders = [hierarchy.folder for hierarchy in here()]
    assert [path for folder in folders for path in folder.glob(name)]
    simulator.end()
    assert [path for folder in folders for path in folder.glob(name)] == []


def here() -> list[Hierarchy]:
    """Return where this machine lets groups be made."""
    mounts, own = (Path(f"/proc/self/{name}").read_text() for name in ("mountinfo", "cgroup"))
    found = map(where_groups_can_be_made, read_hierarchies(mounts, own))
    return [hierarchy for hierarchy in found if hierarchy is not None]
