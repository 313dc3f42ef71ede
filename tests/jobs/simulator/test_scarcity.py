"""When descriptors, disk or users run short, the one who took too much is told; nobody else notices."""

import asyncio
import os
import pwd
import resource
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.simulator.cloud.disk_watch import FURTHER, DiskWatch
from jobs.simulator.sandbox import limits
from jobs.simulator.sandbox.fd_channel import Wire
from jobs.simulator.sandbox.unix_users import COUNT, UsedUp, UserNumbers, end_user
from tests.jobs.simulator.world import Simulator
from tests.waiting import wait_for

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone else")


def open_descriptors() -> int:
    """How many this process has."""
    return len(os.listdir("/proc/self/fd"))


async def send_three(one: socket.socket, heard: "asyncio.Queue[tuple[dict[str, Any], list[int]]]") -> Any:
    """A line with three descriptors; what the wire makes of it."""
    pipe = os.pipe()
    socket.send_fds(one, [b'{"id": 1, "fds": 3}\n'], [pipe[0], pipe[1], pipe[0]])
    for descriptor in pipe:
        os.close(descriptor)
    return await asyncio.wait_for(heard.get(), 5)


def test_descriptors_that_find_no_room_cost_one_request_only() -> None:
    async def run() -> None:
        one, other = socket.socketpair()
        heard: asyncio.Queue[tuple[dict[str, Any], list[int]]] = asyncio.Queue()
        ended: list[bool] = []
        wire = Wire(other, lambda *words: heard.put_nowait(words), lambda: ended.append(True))
        before, (soft, hard) = open_descriptors(), resource.getrlimit(resource.RLIMIT_NOFILE)
        pipe = os.pipe()
        socket.send_fds(one, [b'{"id": 1, "fds": 3}\n'], [pipe[0], pipe[1], pipe[0]])
        for descriptor in pipe:
            os.close(descriptor)
        filler: list[int] = []
        try:
            # Room for one of the three. Above the highest one in use, so that there is something to fill and to free.
            highest = max(map(int, os.listdir("/proc/self/fd")))
            resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 2, hard))
            with pytest.raises(OSError, match="Too many open files"):
                while True:
                    filler.append(os.dup(0))
            os.close(filler.pop())
            line, descriptors = await asyncio.wait_for(heard.get(), 5)
        finally:
            # Whatever happens: every later test of this process would find no descriptor.
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for descriptor in filler:
                os.close(descriptor)
        assert "too many files" in line["error"]
        assert descriptors == []
        assert open_descriptors() == before, "the one that did arrive was closed"
        line, descriptors = await send_three(one, heard)
        assert "error" not in line
        assert len(descriptors) == 3
        assert ended == []
        for descriptor in descriptors:
            os.close(descriptor)
        wire.close()
        one.close()

    asyncio.run(run())


def test_the_simulator_takes_the_descriptors_it_may_have(simulator: Simulator) -> None:
    line = next(
        line
        for line in Path(f"/proc/{simulator.process.pid}/limits").read_text().splitlines()
        if line.startswith("Max open files")
    )
    assert line.split()[3] == line.split()[4]


def test_one_connection_has_so_many_channels_and_is_told(simulator: Simulator, keys: dict[str, Path]) -> None:
    made = simulator.create("Chan01", computes=0)
    control = simulator.folder / "mux"
    mux = ("-o", f"ControlPath={control}", "-o", "ControlPersist=no")
    master = made.command(keys["alice"], extra=("-MNv", *mux))
    master[master.index("LogLevel=ERROR")] = "LogLevel=INFO"
    errors = simulator.folder / "mux.log"
    with open(errors, "wb") as log:
        running = [subprocess.Popen(master, stderr=log, stdin=subprocess.DEVNULL)]
    wait_for(control.exists, "the master connection is up")
    try:
        for _ in range(limits.MOST_CHANNELS):
            one = made.command(keys["alice"], "echo up; cat", extra=mux)
            running.append(
                subprocess.Popen(
                    one, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
                )
            )
        for each in running[1:]:
            assert each.stdout is not None
            assert each.stdout.readline() == b"up\n"
        # The client then makes a connection of its own.
        assert b"Session open refused" in made.ssh(keys["alice"], "true", extra=mux).stderr
        assert b"64 channels open, the most there may be" in errors.read_bytes()
        assert made.ssh(keys["alice"], "echo in").stdout == b"in\n", "another connection has its own"
    finally:
        for each in running:
            each.kill()
            each.communicate()


def test_a_full_disk_ends_the_largest_home_and_nobody_else(
    simulators: Callable[..., Simulator], keys: dict[str, Path]
) -> None:
    simulator = simulators(HEADNODE_SIMULATOR_DISK_FLOOR_MB=str(1 << 30))
    greedy, frugal = simulator.create("Disk01", computes=0), simulator.create("Disk02", computes=0)
    greedy.ssh(keys["alice"], "fallocate -l 80M work/big; sleep 60")
    assert greedy.wait("failed")["head"]["reason"] == "disk_full"
    assert frugal.nodes()["head"]["state"] == "running"
    assert simulator.http.delete(greedy.path).status_code == 202
    wait_for(lambda: simulator.http.get(greedy.path).status_code == 404, "it is gone")
    assert not (simulator.var / "homes/Disk01").exists()
    simulator.end()


def test_below_the_floor_nobody_else_is_ended_unless_it_falls_further(tmp_path: Path) -> None:
    free, ended = [2 << 30], []
    for name, size in (("big", 80), ("small", 40)):
        (tmp_path / name).mkdir()
        with open(tmp_path / name / "file", "wb") as file:
            os.posix_fallocate(file.fileno(), 0, size << 20)
    homes = {name: tmp_path / name for name in ("big", "small")}

    def end(name: str, words: str) -> None:
        ended.append(name)
        del homes[name]

    async def looks() -> None:
        watch = DiskWatch(1 << 30, lambda: free[0], lambda: homes, end)
        for left, expected in (
            (2 << 30, []),
            (1 << 29, ["big"]),
            (1 << 29, ["big"]),
            ((1 << 29) - FURTHER, ["big", "small"]),
        ):
            free[0] = left
            await watch.look()
            assert ended == expected

    asyncio.run(looks())


def test_a_cluster_whose_file_cannot_be_written_can_be_deleted(simulator: Simulator) -> None:
    made = simulator.create("Full01", computes=0)
    # A folder in the place of the new file: it cannot be written, as on a full disk.
    (simulator.var / "clusters/Full01/cluster.json.new").mkdir()
    answer = made.access(rules=[])
    assert (answer.status_code, answer.json()["reason"]) == (507, "state_unwritable")
    assert simulator.http.delete(made.path).status_code == 202
    wait_for(lambda: simulator.http.get(made.path).status_code == 404, "it is gone")
    assert not (simulator.var / "clusters/Full01").exists()
    assert not (simulator.var / "homes/Full01").exists()


def test_memory_file_systems_of_a_node_have_a_size(simulator: Simulator, keys: dict[str, Path]) -> None:
    made = simulator.create("Shm001", computes=0)
    if simulator.http.get("/healthz").json()["sandbox"] != "bubblewrap":
        pytest.skip("only bubblewrap shows its own")
    sizes = made.ssh(keys["alice"], "df --output=size -k /tmp /var/tmp /dev/shm | tail -n +2").stdout.split()
    assert sum(map(int, sizes)) <= 1024 * 1024 + 64, "each is rounded up to whole pages"
    assert b"Read-only" in made.ssh(keys["alice"], "touch /dev/x").stderr
    assert made.ssh(keys["alice"], "touch /dev/shm/x && tty", extra=("-tt",)).returncode == 0
    assert made.ssh(keys["alice"], "ulimit -f").stdout.strip() == b"%d" % (20_000 * 1024)


def test_no_number_is_given_out_twice(tmp_path: Path) -> None:
    path = tmp_path / "next"
    assert [UserNumbers(path).take(set(), again=False) for _ in range(3)] == [1, 2, 3]
    path.write_text(str(COUNT - 1))
    assert UserNumbers(path).take(set(), again=False) == COUNT - 1
    with pytest.raises(UsedUp):
        UserNumbers(path).take(set(), again=False)
    assert [UserNumbers(path).take({1}, again=True) for _ in range(2)] == [2, 3]


@needs_root
@pytest.mark.parametrize("mode", ["uid", "bubblewrap"])
def test_the_next_cluster_gets_another_user(mode: str, simulators: Callable[..., Simulator]) -> None:
    simulator = simulators(HEADNODE_SIMULATOR_SANDBOX=mode)
    owners, bases = [], set()
    for name in ("Own001", "Own002"):
        made = simulator.create(name, computes=0)
        home = next(
            path
            for base in (simulator.var, *Path("/var/tmp").glob("headnode-*"))
            if (path := base / "homes" / name / made.user).exists()
        )
        owners.append(home.stat().st_uid)
        bases.add(home.parents[2])
        simulator.http.delete(made.path)
        wait_for(lambda path=made.path: simulator.http.get(path).status_code == 404, "it is gone")
        if name == "Own001":
            simulator.end()
            simulator.start()
    simulator.end()
    for base in bases - {simulator.var}:
        shutil.rmtree(base)
    assert owners[0] != owners[1]


@needs_root
def test_a_user_ends_with_everything_it_runs() -> None:
    uid = 1_879_999_999
    with pytest.raises(KeyError):
        pwd.getpwuid(uid)
    left = subprocess.Popen(["sleep", "1000"], user=uid, group=uid, start_new_session=True)
    try:
        end_user(uid)
        assert left.wait(5) == -9
    finally:
        left.kill()
        left.wait()
    with pytest.raises(ValueError):
        end_user(0)
