"""When the disk runs short, the largest home is ended and nobody else notices."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.simulator.cloud.host_disk_watch import BYTES, FILES, FURTHER_BYTES, DiskWatch, free_files
from jobs.simulator.sandbox.home_size import home_size
from tests.jobs.simulator.simulator_process import Simulator
from tests.waiting import wait_for


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
    free, ended = [1100 << 20], []
    for name, size in (("big", 80), ("small", 60)):
        (tmp_path / name).mkdir()
        with open(tmp_path / name / "file", "wb") as file:
            os.posix_fallocate(file.fileno(), 0, size << 20)
    homes = {name: tmp_path / name for name in ("big", "small")}

    def end(name: str, message: str) -> None:
        ended.append(name)
        del homes[name]

    def taken(name: str, home: Path) -> int:
        return home_size(home).bytes

    async def checks() -> None:
        watch = DiskWatch(BYTES, 1 << 30, lambda: free[0], lambda: homes, taken, end)
        for left, expected in (
            (1100 << 20, []),
            (1000 << 20, ["big"]),
            (1000 << 20, ["big"]),
            ((1000 << 20) - FURTHER_BYTES, ["big", "small"]),
        ):
            free[0] = left
            await watch.check()
            assert ended == expected

    asyncio.run(checks())


def test_files_run_out_as_bytes_do(tmp_path: Path) -> None:
    """A million empty files take no bytes, and nobody else can make one."""
    free, ended = [100_000], []
    taken = {"many": 60_000, "few": 9_000}

    async def checks() -> None:
        watch = DiskWatch(
            FILES,
            50_000,
            lambda: free[0],
            lambda: dict.fromkeys(taken, tmp_path),
            lambda name, home: taken[name],
            lambda name, message: ended.append((name, message)),
        )
        for left in (100_000, 40_000, 39_000):
            free[0] = left
            await watch.check()

    asyncio.run(checks())
    assert ended == [
        ("many", "the disk is nearly full (room for 40000 files left) and this cluster's home is the largest")
    ]
    assert free_files(tmp_path) > 0


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
