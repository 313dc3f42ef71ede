"""How fast clusters come up, and how much memory a node takes, at 1, 10 and 50 nodes, with instant boot.

- submit -> ready: from POST submit/ until the Job Log says "Instance ready". This includes the order, a sandbox and a
  network for each node, its new host key, the phases of its contextualization, its reports, and the portal's login to
  every node.
- clusters per minute: small clusters, submitted one after the other without waiting, until all are ready.
- memory: the proportional set size (each shared page is divided among the processes that share it) of all processes of
  the nodes, the simulator and its launchers, divided by the number of nodes, while the nodes are idle.

On SQLite, and on PostgreSQL if its server is installed. Run: `.venv/bin/python -m benchmarks.clusters [NODES ...]`.
Goals: 50 nodes ready in 30 s on two cores, less than 15 MB for each idle node.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.postgres import server
from tests.acceptance.people import Person, with_token
from tests.jobs.simulator.simulator_process import children_of
from tests.stack import Stack, running
from tests.waiting import wait_for

SIZES = (1, 10, 50)
RUNS = 3
SMALL_CLUSTERS = 10
SETTLED_MB = 0.5
READY, LIMIT_SECONDS = "Instance ready", 300


@dataclass(frozen=True)
class Memory:
    """Megabytes used by the processes a cluster needs."""

    simulator: float
    rest: float  # launchers, sandboxes and agents

    @property
    def total(self) -> float:
        return self.simulator + self.rest


@dataclass(frozen=True)
class Row:
    """The figures of one size."""

    database: str
    nodes: int
    seconds: float
    memory: Memory
    before: Memory

    def text(self) -> str:
        """Return the row as a line of the table."""
        each = self.memory.total / self.nodes
        per_added_node = (self.memory.total - self.before.total) / self.nodes
        return (
            f"{self.database:<11} {self.nodes:>5} {self.seconds:>14.2f} {60 * self.nodes / self.seconds:>13.0f} "
            f"{self.memory.total:>9.1f} {each:>12.2f} {per_added_node:>16.2f}"
        )


HEAD = (
    f"{'database':<11} {'nodes':>5} {'ready after s':>14} {'nodes a min':>13} "
    f"{'MB in all':>9} {'MB per node':>12} {'each more node':>16}"
)


def pss_mb(pid: int) -> float:
    """Return the proportional set size of a process in MB; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def memory(stack: Stack) -> Memory:
    """Return the memory of the simulator and its descendants."""
    simulator = stack.pids["simulator"]
    return Memory(pss_mb(simulator), sum(map(pss_mb, children_of(simulator))))


def settled(stack: Stack) -> Memory:
    """Return the memory once two measurements in a row agree."""
    last = [memory(stack)]

    def still() -> Memory | None:
        last.append(memory(stack))
        return last[-1] if abs(last[-1].total - last[-2].total) < SETTLED_MB else None

    return wait_for(still, "the nodes are idle", 60, every=0.5) or last[-1]


def ready(person: Person, nodes: int) -> tuple[str, float]:
    """Submit a job whose command only sleeps, and wait until it is ready. Return its id and the seconds."""
    began = time.perf_counter()
    job = person.submit("sleep 3600", slots=nodes, name=f"{nodes} nodes")
    person.wait_for_message(job, READY, LIMIT_SECONDS)
    return job, time.perf_counter() - began


def end(person: Person, jobs: list[str]) -> None:
    """Terminate jobs and wait until their clusters are gone."""
    for job in jobs:
        person.call("POST", f"/api/v2/jobs/{job}/stop/")
    for job in jobs:
        person.wait_for_cluster(job, "Stopped", LIMIT_SECONDS)


def measure(stack: Stack, person: Person, database: str, nodes: int) -> Row:
    """Measure a cluster of this size RUNS times; the memory is that of the last one."""
    before, taken, found = settled(stack), [], None
    for _ in range(RUNS):
        job, seconds = ready(person, nodes)
        taken.append(seconds)
        found = settled(stack)
        end(person, [job])
    assert found is not None
    return Row(database, nodes, statistics.median(taken), found, before)


def clusters_a_minute(person: Person) -> float:
    """Return the rate for clusters of two nodes that are all ordered at once."""
    began = time.perf_counter()
    jobs = [person.submit("sleep 3600", slots=2, name="small") for _ in range(SMALL_CLUSTERS)]
    for job in jobs:
        person.wait_for_message(job, READY, LIMIT_SECONDS)
    seconds = time.perf_counter() - began
    end(person, jobs)
    return 60 * SMALL_CLUSTERS / seconds


@contextmanager
def portal(database_url: str) -> Iterator[tuple[Stack, Person]]:
    """Run a portal on this database, after a first cluster that warms it up."""
    environment = {"DATABASE_URL": database_url} if database_url else {}
    with (
        tempfile.TemporaryDirectory(prefix="hnb-") as folder,
        running(Path(folder), **environment) as stack,
    ):
        person = with_token(stack)
        job, _ = ready(person, 1)
        end(person, [job])
        yield stack, person


def measure_all(database: str, database_url: str, sizes: tuple[int, ...]) -> None:
    """Measure every size on one database and print a table."""
    with portal(database_url) as (stack, person):
        for nodes in sizes:
            print(measure(stack, person, database, nodes).text(), flush=True)
        print(
            f"{database:<11} clusters of 2 nodes, all ordered at once: {clusters_a_minute(person):.0f} a minute"
        )


def main() -> None:
    """Measure on every database that is available."""
    sizes = tuple(map(int, sys.argv[1:])) or SIZES
    print(f"cores {os.cpu_count()}, median of {RUNS} runs, HEADNODE_SIMULATOR_BOOT=instant")
    print(HEAD)
    measure_all("SQLite", "", sizes)
    with server() as url:
        if url is None:
            print("PostgreSQL is not installed here.")
        else:
            measure_all("PostgreSQL", url, sizes)


if __name__ == "__main__":
    main()
