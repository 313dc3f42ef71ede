"""From the removal of a key to the moment the last of 50 running nodes has shut its holder out.

One connection, logged in with the key, is open to every node. The key is removed through the REST API; each node ends
its connection and says why, and refuses the key from then on. Two shapes: ten clusters of five nodes, one cluster of
fifty. The clusters run jobs meanwhile, so the worker is as busy as it is in life.

Printed: seconds until the first, the median and the last node; processor time of web, worker and simulator per node.
Run: `.venv/bin/python -m benchmarks.access_push`.
"""

import asyncio
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from tests.acceptance.people import Person, with_token
from tests.stack import Stack, running

SHAPES = ((10, 5), (1, 50))
LIMIT_SECONDS = 5.0
KEYS, RULES = "/api/v2/users/me/ssh-keys/", "/api/v2/users/me/access-rules/"


@dataclass(frozen=True)
class Door:
    """Where a node is reached."""

    address: str
    port: int
    username: str
    known_hosts: asyncssh.SSHKnownHosts


class Held(asyncssh.SSHClient):
    """A connection that is kept open; knows when it was ended."""

    def __init__(self) -> None:
        self.ended: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(time.perf_counter())


async def hold(door: Door, key: asyncssh.SSHKey) -> Held:
    """Log in to a node and stay."""
    _, held = await asyncssh.create_connection(
        Held,
        door.address,
        door.port,
        username=door.username,
        client_keys=[key],
        known_hosts=door.known_hosts,
        agent_path=None,
        config=None,
    )
    assert isinstance(held, Held)
    return held


async def refused(door: Door, key: asyncssh.SSHKey) -> bool:
    """Whether the node turns the key away."""
    try:
        await hold(door, key)
    except asyncssh.PermissionDenied:
        return True
    return False


def launch(person: Person, clusters: int, nodes: int) -> tuple[list[str], list[Door]]:
    """Clusters whose command runs on, and the doors of their nodes."""
    jobs = [person.submit("sleep 3600", slots=nodes, name=f"push {number}") for number in range(clusters)]
    for job in jobs:
        person.wait_for_message(job, "Launched the command", 300)
    rows = [
        row for job in jobs for row in person.get(f"/api/v2/jobs/{job}/instances/?page_size=100")["results"]
    ]
    known = asyncssh.import_known_hosts(person.get("/api/v2/host-authority/"))
    return jobs, [Door(row["publicIp"], row["sshPort"], row["username"], known) for row in rows]


def processor_seconds(stack: Stack) -> float:
    """Processor time that web, worker and simulator have used so far."""
    ticks = 0
    for name in ("web", "worker", "simulator"):
        fields = Path(f"/proc/{stack.pids[name]}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def measure(stack: Stack, person: Person, doors: list[Door]) -> list[float]:
    """Save a key, log in with it everywhere, remove it; seconds until each node has ended its connection."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    body = {"name": "benchmark", "publicKey": key.export_public_key().decode()}
    status, row = await asyncio.to_thread(person.call, "POST", KEYS, body)
    assert status == 201, row
    pending = list(doors)
    while pending:  # until the key has reached every node
        asked = await asyncio.gather(*(refused(door, key) for door in pending))
        pending = [door for door, is_refused in zip(pending, asked, strict=True) if is_refused]
    held = await asyncio.gather(*(hold(door, key) for door in doors))
    used, start = processor_seconds(stack), time.perf_counter()
    status, _ = await asyncio.to_thread(person.call, "DELETE", f"{KEYS}{row['id']}/")
    assert status == 204
    ends = await asyncio.wait_for(asyncio.gather(*(one.ended for one in held)), 60)
    used = processor_seconds(stack) - used
    assert all(await asyncio.gather(*(refused(door, key) for door in doors)))
    print(f"    processor time of web, worker and simulator: {used / len(doors) * 1000:.1f} ms a node")
    return sorted(at - start for at in ends)


def main() -> None:
    worst = 0.0
    with tempfile.TemporaryDirectory(prefix="hnb-") as folder, running(Path(folder)) as stack:
        person = with_token(stack)
        status, _ = person.call("POST", RULES, {"cidr": "127.0.0.1"})
        assert status == 201
        for clusters, nodes in SHAPES:
            jobs, doors = launch(person, clusters, nodes)
            print(f"{clusters} cluster(s) of {nodes} nodes: {len(doors)} nodes run")
            for _ in range(3):
                took = asyncio.run(measure(stack, person, doors))
                worst = max(worst, took[-1])
                middle = statistics.median(took)
                print(f"    first {took[0]:.2f} s, median {middle:.2f} s, last {took[-1]:.2f} s")
            for job in jobs:
                person.call("POST", f"/api/v2/jobs/{job}/stop/")
            for job in jobs:
                person.wait_for_cluster(job, "Stopped", 120)
    print(f"slowest push to all nodes: {worst:.2f} s (limit {LIMIT_SECONDS:g} s)")
    assert worst < LIMIT_SECONDS


if __name__ == "__main__":
    main()
