"""The kernel counts terminals for the whole machine: a node that opens all it can leaves other nodes theirs."""

import shlex
import subprocess
from pathlib import Path

from jobs.simulator.node_runtime.namespaces import MOST_TERMINALS
from tests.jobs.simulator.simulator_process import Simulator

# Opens terminals until it is refused one, says how many it has, and keeps them until it is told.
TAKE_ALL = """import os
taken = 0
try:
    while taken < 4000:
        os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY)
        taken += 1
except OSError: pass
print(taken, flush=True)
os.read(0, 1)"""


def test_a_node_cannot_take_the_terminals_of_others(simulator: Simulator, keys: dict[str, Path]) -> None:
    greedy = simulator.create("Ptys01", computes=0)
    other = simulator.create("Ptys02", computes=0)
    line = greedy.command(keys["alice"], f"exec python3 -c {shlex.quote(TAKE_ALL)}")
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as taking:
        assert taking.stdout is not None
        assert 0 < int(taking.stdout.readline()) <= MOST_TERMINALS
        found = other.ssh(keys["alice"], "tty", extra=("-tt",))
        assert found.stdout.strip().startswith(b"/dev/pts/"), found.stderr
        taking.communicate(b"\n")
    for cluster in (greedy, other):
        cluster.delete()
