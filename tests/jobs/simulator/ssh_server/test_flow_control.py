"""A side that does not read is waited for, in bounded memory; a flood delays nobody else."""

import hashlib
import os
import subprocess
import time
from pathlib import Path

from tests.jobs.simulator.simulator_process import Cluster


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


def test_a_client_that_does_not_read_costs_no_memory(cluster: Cluster, keys: dict[str, Path]) -> None:
    simulator = cluster.simulator.process.pid
    cluster.ssh(keys["alice"], "true")
    before = memory_mb(simulator)
    flood = subprocess.Popen(
        cluster.command(keys["alice"], "yes headnode"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    tty = subprocess.Popen(
        cluster.command(keys["alice"], "yes headnode", extra=("-tt",)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        end = time.monotonic() + 3
        while time.monotonic() < end:
            done = cluster.ssh(keys["alice"], "echo quick")
            assert done.stdout == b"quick\n"
        assert memory_mb(simulator) - before < 60
    finally:
        for process in (flood, tty):
            process.kill()
            process.communicate()


def test_a_program_that_does_not_read_stops_the_client(cluster: Cluster, keys: dict[str, Path]) -> None:
    simulator = cluster.simulator.process.pid
    before = memory_mb(simulator)
    sender = subprocess.Popen(
        cluster.command(keys["alice"], "sleep 1000"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert sender.stdin is not None
    os.set_blocking(sender.stdin.fileno(), False)
    sent, quiet_since = 0, time.monotonic()
    try:
        while time.monotonic() - quiet_since < 1 and sent < 200 << 20:
            try:
                sent += os.write(sender.stdin.fileno(), b"x" * 65536)
                quiet_since = time.monotonic()
            except BlockingIOError:
                os.sched_yield()
        assert sent < 20 << 20
        assert memory_mb(simulator) - before < 40
    finally:
        sender.kill()
        sender.communicate()


def test_many_megabytes_arrive_whole_each_way(cluster: Cluster, keys: dict[str, Path]) -> None:
    data = bytes(range(256)) * (64 << 12)
    done = cluster.ssh(keys["alice"], "tee >(sha256sum >&2) | cat", stdin=data)
    assert hashlib.sha256(done.stdout).hexdigest() == hashlib.sha256(data).hexdigest()
    assert hashlib.sha256(data).hexdigest().encode() in done.stderr


def test_the_last_output_of_a_terminal_is_not_lost(cluster: Cluster, keys: dict[str, Path]) -> None:
    done = cluster.ssh(keys["alice"], "seq 1 200000", extra=("-tt",))
    lines = done.stdout.split()
    assert (len(lines), lines[-1]) == (200_000, b"200000")
