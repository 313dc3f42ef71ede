"""Host identity: certificates that are replaced while a node runs, and the fault of a wrong host key."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.simulator.conftest import make_key
from tests.jobs.simulator.simulator_process import Cluster, Simulator, ended_afterwards
from tests.waiting import LIMIT


def certificate(cluster: Cluster, authority: Path, folder: Path, *principals: str, node: str = "head") -> str:
    """Return a host certificate for a node's reported key, made by the real ssh-keygen."""
    line = cluster.simulator.broker.registered[f"{cluster.user}/{node}"]["host_keys"][0]
    (folder / "host.pub").write_text(line + "\n")
    names = ",".join(principals)
    command = [
        "ssh-keygen",
        "-q",
        "-s",
        str(authority),
        "-I",
        "test",
        "-h",
        "-n",
        names,
        str(folder / "host.pub"),
    ]
    subprocess.run(command, check=True)
    return (folder / "host-cert.pub").read_text().strip()


def trusting(cluster: Cluster, key: Path, authority: Path, folder: Path) -> list[str]:
    """Return ssh options that trust an authority and nothing else."""
    known = folder / "known"
    public = authority.with_name(authority.name + ".pub").read_text()
    known.write_text(f"@cert-authority 127.20.*,[127.20.*]:* {public}")
    options = ["-F", "none", "-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=yes"]
    options += ["-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"]
    return ["ssh", *options, "-i", str(key), "-p", str(cluster.port()), cluster.target()]


def push(cluster: Cluster, document: Any) -> Any:
    return cluster.simulator.http.put(f"{cluster.path}/host-certificates", json=document)


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    return make_key(tmp_path / "host-authority")


def test_new_connections_meet_the_new_certificate_and_live_ones_stay(
    simulator: Simulator, keys: dict[str, Path], authority: Path, tmp_path: Path
) -> None:
    cluster = simulator.create("Cert02", computes=0)
    words = trusting(cluster, keys["alice"], authority, tmp_path)
    assert subprocess.run([*words, "true"], capture_output=True, timeout=2 * LIMIT).returncode == 255
    live = subprocess.Popen(
        cluster.command(keys["alice"], "cat"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with ended_afterwards(live):
        assert live.stdin is not None and live.stdout is not None
        print("before", file=live.stdin, flush=True)
        assert live.stdout.readline() == "before\n"

        address = cluster.nodes()["head"]["address"]
        line = certificate(cluster, authority, tmp_path, address)
        answer = push(cluster, {"host_certificates": {"head": [line]}})
        assert (answer.status_code, answer.json()) == (200, {"host_certificates": {"head": [line]}})
        done = subprocess.run([*words, "echo in"], capture_output=True, text=True, timeout=2 * LIMIT)
        assert done.stdout == "in\n", done.stderr

        print("after", file=live.stdin, flush=True)
        assert live.stdout.readline() == "after\n"
        live.stdin.close()
        assert live.wait(LIMIT) == 0

    # Kept over a restart of the simulator.
    simulator.end()
    simulator.start()
    cluster.wait("running")
    assert subprocess.run([*words, "true"], capture_output=True, timeout=2 * LIMIT).returncode == 0


def test_a_certificate_for_another_key_does_no_harm(
    simulator: Simulator, keys: dict[str, Path], authority: Path, tmp_path: Path
) -> None:
    cluster = simulator.create("Cert03", computes=1)
    foreign = certificate(cluster, authority, tmp_path, "127.20.0.1", node="compute-1")
    assert push(cluster, {"host_certificates": {"head": [foreign, "nonsense"]}}).status_code == 200
    assert cluster.ssh(keys["alice"], "true").returncode == 0


@pytest.mark.parametrize(
    ("document", "status", "reason"),
    [
        ({}, 400, "invalid_host_certificates"),
        ([], 400, "invalid_host_certificates"),
        ({"host_certificates": []}, 400, "invalid_host_certificates"),
        ({"host_certificates": {"head": "x"}}, 400, "invalid_host_certificates"),
        ({"host_certificates": {"head": ["x\ny"]}}, 400, "invalid_host_certificates"),
        ({"host_certificates": {"compute-9": ["x"]}}, 404, "no_such_node"),
    ],
)
def test_wrong_documents(cluster: Cluster, document: Any, status: int, reason: str) -> None:
    answer = push(cluster, document)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)


def test_no_such_cluster(shared_simulator: Simulator) -> None:
    answer = shared_simulator.http.put(
        "/v1/clusters/None00/host-certificates", json={"host_certificates": {}}
    )
    assert answer.status_code == 404


def test_a_swapped_key_from_now_on_and_back(simulator: Simulator, keys: dict[str, Path]) -> None:
    cluster = simulator.create("Swap01", computes=1)

    def reached(node: str) -> bool:
        return cluster.ssh(keys["alice"], "true", node=node).returncode == 0

    assert reached("head")
    narrowed = {"cluster": "Swap01", "node": "head"}
    assert simulator.http.put("/v1/faults", json={"swapped_host_key": narrowed}).status_code == 200
    assert not reached("head"), "strict ssh refuses"
    assert reached("compute-1")
    assert simulator.http.put("/v1/faults", json={"swapped_host_key": None}).status_code == 200
    assert reached("head")


def test_a_swapped_key_from_the_boot_on(simulator: Simulator, keys: dict[str, Path]) -> None:
    """The node reports one key and shows another."""
    simulator.http.put("/v1/faults", json={"swapped_host_key": {"cluster": "Swap02"}})
    cluster = simulator.create("Swap02", computes=0)
    done = cluster.ssh(keys["alice"], "true")
    assert done.returncode == 255
    assert b"IDENTIFICATION HAS CHANGED" in done.stderr or b"verification failed" in done.stderr
    assert simulator.create("Swap03", computes=0).ssh(keys["alice"], "true").returncode == 0
