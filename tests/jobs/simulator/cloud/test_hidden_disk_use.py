"""Space that deleted files still take is counted to whose programs have them; nobody is ended for another's use."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobs.simulator.cloud.host_disk_watch import BYTES, DiskWatch, free_bytes
from jobs.simulator.sandbox.deleted_files import deleted_bytes, descendants_of, mapped_files
from jobs.simulator.sandbox.files_in_flight import files_in_flight
from jobs.simulator.sandbox.home_size import home_size
from tests.jobs.simulator.simulator_process import Simulator
from tests.stack import AS_ORDINARY_USER

MB = 1 << 20
OPENED = """exec python3 -c '
import os, time
file = open("hidden", "wb")
os.unlink("hidden")
os.posix_fallocate(file.fileno(), 0, 1500 << 20)
print("hidden", flush=True)
time.sleep(600)'"""
MAPPED = """exec python3 -c '
import mmap, os, time
file = open("hidden", "w+b")
os.unlink("hidden")
os.posix_fallocate(file.fileno(), 0, 1500 << 20)
kept = mmap.mmap(file.fileno(), 1500 << 20)
file.close()
print("hidden", flush=True)
time.sleep(600)'"""
IN_FLIGHT = """exec python3 -c '
import os, socket, time
file = open("hidden", "wb")
os.unlink("hidden")
os.posix_fallocate(file.fileno(), 0, 1500 << 20)
one, other = socket.socketpair()
outer, end = socket.socketpair()
one.send(b"something before")
socket.send_fds(one, [b"x"], [file.fileno()])
file.close()
socket.send_fds(outer, [b"x"], [one.fileno(), other.fileno()])
one.close(); other.close()
print("hidden", flush=True)
time.sleep(600)'"""


@pytest.mark.parametrize("hiding", [OPENED, MAPPED, IN_FLIGHT], ids=["open", "mapped", "in flight"])
def test_who_hides_a_file_is_ended_and_the_one_with_the_larger_home_is_not(
    hiding: str, simulators: Callable[..., Simulator], keys: dict[str, Path]
) -> None:
    """The floor is 750 MB below what is free now: the hidden 1500 MB break it, the visible 60 MB do not.

    What other tests write and remove meanwhile changes neither.
    """
    floor = (free_bytes(Path(tempfile.gettempdir())) >> 20) - 750
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
            BYTES,
            1000 * MB,
            lambda: free[0],
            lambda: {"small": tmp_path},
            lambda _, home: home_size(home).bytes,
            lambda *ends: ended.append(ends),
        )
        for left in (10_000, 900, 500, 0):
            free[0] = left * MB
            await watch.check()
            assert ended == []

    asyncio.run(checks())


def test_looking_at_files_in_flight_takes_none_away(tmp_path: Path) -> None:
    one, other = socket.socketpair()
    with one, other, open(tmp_path / "file", "w+b") as file:
        os.posix_fallocate(file.fileno(), 0, 8 * MB)
        os.unlink(file.name)
        one.send(b"before")
        socket.send_fds(one, [b"with it"], [file.fileno()])
        one.send(b"after")
        for _ in range(2):
            assert [status.st_blocks * 512 for status in files_in_flight(os.getpid())] == [8 * MB]
        text, taken = b"", list[int]()
        while len(text) < len(b"beforewith itafter"):
            data, received, _, _ = socket.recv_fds(other, 100, 8)
            text, taken = text + data, [*taken, *received]
        assert (text, len(taken)) == (b"beforewith itafter", 1)
        os.close(taken[0])
        assert list(files_in_flight(os.getpid())) == []


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


MEASURE = "import sys; from pathlib import Path; from jobs.simulator.sandbox.home_size import home_size; "
MEASURE += "print(home_size(Path(sys.argv[1])).bytes)"


@pytest.mark.parametrize("hiding", ["closed folder", "closed twice", "long path", "link", "one file"])
def test_a_home_is_measured_whole(hiding: str, tmp_path: Path) -> None:
    """By an ordinary user, whom closed folders keep out."""
    home, place = tmp_path / "home", tmp_path / "home"
    home.mkdir()
    closed: list[Path] = []
    if hiding.startswith("closed"):
        for name in ("outer", "inner")[: 2 if hiding.endswith("twice") else 1]:
            place = place / name
            place.mkdir()
            closed.insert(0, place)
    before = Path.cwd()
    if hiding == "long path":
        os.chdir(home)
        for _ in range(40):
            os.mkdir("x" * 200)
            os.chdir("x" * 200)
        place = Path()
    with open(place / "file", "wb") as file:
        os.posix_fallocate(file.fileno(), 0, 8 * MB)
    os.chdir(before)
    if hiding == "link":
        (home / "file").rename(tmp_path / "outside")
        (home / "file").symlink_to(tmp_path / "outside")
        (home / "folder").symlink_to(tmp_path)
    for folder in closed:
        folder.chmod(0)
    command = [*AS_ORDINARY_USER, sys.executable, "-c", MEASURE, str(home)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=before)
    found = int(done.stdout or -1)
    for folder in reversed(closed):
        folder.chmod(0o700)
    assert found >= 8 * MB if hiding != "link" else 0 <= found < MB, done.stderr
