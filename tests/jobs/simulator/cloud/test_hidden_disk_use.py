"""Space that deleted files still take is counted to whose programs have them; nobody is ended for another's use."""

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobs.simulator.cloud.host_disk_watch import DiskWatch, free_bytes
from jobs.simulator.sandbox.deleted_files import deleted_bytes, descendants_of, mapped_files
from tests.jobs.simulator.simulator_process import Simulator

MB = 1 << 20
OPENED = """exec python3 -c '
import os, time
file = open("hidden", "wb")
os.unlink("hidden")
os.posix_fallocate(file.fileno(), 0, 400 << 20)
print("hidden", flush=True)
time.sleep(600)'"""
MAPPED = """exec python3 -c '
import mmap, os, time
file = open("hidden", "w+b")
os.unlink("hidden")
os.posix_fallocate(file.fileno(), 0, 400 << 20)
kept = mmap.mmap(file.fileno(), 400 << 20)
file.close()
print("hidden", flush=True)
time.sleep(600)'"""


@pytest.mark.parametrize("hiding", [OPENED, MAPPED], ids=["open", "mapped"])
def test_who_hides_a_file_is_ended_and_the_one_with_the_larger_home_is_not(
    hiding: str, simulators: Callable[..., Simulator], keys: dict[str, Path]
) -> None:
    """The floor is 300 MB below what is free now, so the hidden 400 MB break it and the visible 60 MB do not."""
    floor = (free_bytes(Path(tempfile.gettempdir())) >> 20) - 300
    simulator = simulators(HEADNODE_SIMULATOR_DISK_FLOOR_MB=str(floor))
    hider, visible = simulator.create("Hide01", computes=0), simulator.create("Seen01", computes=0)
    assert visible.ssh(keys["alice"], "fallocate -l 60M work/seen").returncode == 0
    with subprocess.Popen(hider.command(keys["alice"], hiding), stdout=subprocess.PIPE) as session:
        assert session.stdout is not None
        assert session.stdout.readline() == b"hidden\n"
        node = hider.wait("failed")["head"]
        session.kill()
    assert node["reason"] == "disk_full"
    assert visible.nodes()["head"]["state"] == "running"
    simulator.end()


def test_what_others_on_this_machine_write_ends_nobody(tmp_path: Path) -> None:
    free, ended = [10_000 * MB], []
    with open(tmp_path / "file", "wb") as file:
        os.posix_fallocate(file.fileno(), 0, 57 * MB)

    async def checks() -> None:
        watch = DiskWatch(
            1000 * MB, lambda: free[0], lambda: {"small": tmp_path}, lambda *ends: ended.append(ends)
        )
        for left in (10_000, 900, 500, 0):
            free[0] = left * MB
            await watch.check()
            assert ended == []

    asyncio.run(checks())


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process below this one that has a deleted file open, and another mapped only."""
    script = (
        "import mmap, os\n"
        "one, two = open('one', 'w+b'), open('two', 'w+b')\n"
        "for file in (one, two): os.posix_fallocate(file.fileno(), 0, 8 << 20); os.unlink(file.name)\n"
        "kept = mmap.mmap(two.fileno(), 8 << 20); two.close(); print(flush=True); input()"
    )
    with subprocess.Popen(
        ["python3", "-c", script], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        if process.poll() is None:
            process.communicate(b"\n")


def test_open_and_mapped_files_are_found_once_and_only_on_that_disk(
    holder: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    disk = os.stat(tmp_path).st_dev
    assert deleted_bytes({holder.pid}, disk) == 16 * MB
    assert deleted_bytes({holder.pid}, disk + 1) == 0
    assert holder.pid in descendants_of([os.getpid()])
    holder.communicate(b"\n")
    assert deleted_bytes({holder.pid}, disk) == 0


def test_without_root_what_is_mapped_is_read_from_the_list_of_mappings(
    holder: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    assert sum(mapped_files(holder.pid, os.stat(tmp_path).st_dev).values()) == 8 * MB
