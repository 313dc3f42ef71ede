"""A cluster of several core types: its nodes work together although sizes, SSH ports and boot times differ."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.simulator.simulator_process import Cluster, Simulator
from tests.waiting import wait_for

KINDS = {
    "head": ("emerald", 2, 1024, 32100),
    "compute-1": ("onyx", 4, 768, 22),
    "compute-2": ("onyx", 4, 768, 22),
    "compute-3": ("jade", 1, 2048, 32100),
}


@pytest.fixture(scope="module")
def mixed(shared_simulator: Simulator) -> Cluster:
    """A head and three compute nodes of three core types."""
    spec = shared_simulator.spec("Mixed1", computes=3)
    for node in spec["nodes"]:
        core_type, cores, memory_mb, port = KINDS[node["name"]]
        node |= {"core_type": core_type, "cores": cores, "memory_mb": memory_mb, "ssh_port": port}
    assert shared_simulator.http.put("/v1/clusters/Mixed1", json=spec).status_code == 201
    cluster = Cluster(shared_simulator, "Mixed1")
    cluster.wait("running")
    return cluster


def test_every_member_answers_every_other_by_name_without_a_question(
    mixed: Cluster, keys: dict[str, Path]
) -> None:
    names = {name: node["hostname"] for name, node in mixed.nodes().items()}
    line = "for h in head compute-1 compute-2 compute-3; do ssh $h hostname; done"
    for node in names:
        done = mixed.ssh(keys["alice"], line, node=node)
        assert (done.stdout.decode().split(), done.stderr) == (list(names.values()), b"")


def test_the_machinefile_names_hosts_ssh_knows(mixed: Cluster, keys: dict[str, Path]) -> None:
    done = mixed.ssh(keys["alice"], "for h in $(sort -u ~/machinefile); do ssh $h hostname; done")
    assert sorted(done.stdout.decode().split()) == sorted(n["hostname"] for n in mixed.nodes().values())
    counted = mixed.ssh(keys["alice"], "sort ~/machinefile | uniq -c | sort -n | tr -s ' ' | cut -d' ' -f2")
    assert counted.stdout.split() == [b"1", b"2", b"4", b"4"]


def test_they_share_the_home_and_know_each_other_in_etc_hosts(mixed: Cluster, keys: dict[str, Path]) -> None:
    mixed.ssh(keys["alice"], "echo from-the-head > ~/work/shared/note")
    for name in KINDS:
        done = mixed.ssh(keys["alice"], "cat ~/work/shared/note; cat /etc/hosts", node=name)
        note, *hosts = done.stdout.decode().splitlines()
        assert note == "from-the-head"
        assert {line.split()[-1] for line in hosts} == {"localhost", *KINDS}


def test_each_has_the_memory_port_and_limits_of_its_own_core_type(
    mixed: Cluster, keys: dict[str, Path]
) -> None:
    for name, (core_type, cores, memory_mb, port) in KINDS.items():
        assert mixed.nodes()[name]["core_type"] == core_type
        assert mixed.port(name) in (port, 32022 if port == 22 else port)
        done = mixed.ssh(keys["alice"], "df --output=size -k /tmp | tail -1; ulimit -u", node=name)
        size, processes = map(int, done.stdout.split())
        assert abs(size - memory_mb * 1024 // 3) <= 4
        assert processes == 256 + 32 * cores


def test_each_has_a_loopback_of_its_own(mixed: Cluster, keys: dict[str, Path]) -> None:
    code = "import socket, time; s = socket.create_server(('127.0.0.1', 8888)); print(1, flush=True); time.sleep(600)"
    serve = f'python3 -c "{code}"'
    servers = [
        subprocess.Popen(mixed.command(keys["alice"], serve, node=name), stdout=subprocess.PIPE)
        for name in ("head", "compute-1")
    ]
    try:
        for server in servers:
            assert server.stdout is not None
            assert server.stdout.readline() == b"1\n"
        refused = mixed.ssh(keys["alice"], "exec 3<>/dev/tcp/127.0.0.1/8888", node="compute-2")
        assert refused.returncode != 0
    finally:
        for server in servers:
            server.kill()
            server.communicate()


def test_no_private_key_lies_on_any_image(shared_simulator: Simulator, mixed: Cluster) -> None:
    """The key by which nodes log in to each other is the cluster's own: no two clusters have the same."""
    other = shared_simulator.create("Mixed2", computes=0)
    etc = shared_simulator.var / "etc"
    made = [(etc / name / "ssh/cluster_key").read_text() for name in (mixed.id, other.id)]
    assert made[0] != made[1]
    assert all("PRIVATE KEY" in text for text in made)
    image = [path for path in shared_simulator.var.joinpath("run").rglob("*") if path.is_file()]
    assert not [path for path in image if b"PRIVATE KEY" in path.read_bytes()]
    shared_simulator.http.delete(other.path)
    wait_for(lambda: not (etc / other.id).exists(), "its key goes with the cluster")


def test_boot_times_are_those_of_the_core_type(simulators: Callable[..., Simulator]) -> None:
    simulator = simulators(HEADNODE_SIMULATOR_BOOT="realistic")
    spec = simulator.spec("Times1", computes=1)
    for node, seconds in zip(spec["nodes"], (0.4, 600.0), strict=True):
        node["boot_seconds"] = seconds
    before = time.monotonic()
    simulator.http.put("/v1/clusters/Times1", json=spec)
    cluster = Cluster(simulator, "Times1")
    nodes: dict[str, Any] = cluster.wait("running", "head")
    assert time.monotonic() - before >= 0.4 * 0.8
    assert nodes["compute-1"]["state"] == "booting"
    simulator.end()
