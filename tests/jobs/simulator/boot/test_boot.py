"""Booting a node, from the order to its SSH server, and every way in which that can fail."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from jobs.context.node_refusals import NodeRefusal
from tests.jobs.simulator.simulator_process import Simulator
from tests.waiting import LIMIT, wait_for


def failed(simulator: Simulator, cluster: str) -> dict[str, str]:
    """Wait for the head node to fail."""

    def look() -> dict[str, str] | None:
        node: dict[str, str] = simulator.http.get(f"/v1/clusters/{cluster}").json()["nodes"][0]
        assert node["state"] != "running"
        return node if node["state"] == "failed" else None

    return wait_for(look, "the node fails")


def test_nodes_register_with_what_they_are_and_report_ok(simulator: Simulator) -> None:
    cluster = simulator.create("Boot01", computes=2)
    nodes = cluster.nodes()
    assert {node["port"] for node in nodes.values()} == {32100}
    assert len({node["address"] for node in nodes.values()}) == 3
    for name, node in nodes.items():
        said = simulator.broker.registered[f"{cluster.user}/{name}"]
        assert [said[key] for key in ("address", "port", "hostname")] == [
            node[key] for key in ("address", "port", "hostname")
        ]
        assert said["host_keys"][0].startswith("ssh-ed25519 ")
        report = simulator.broker.reported[f"{cluster.user}/{name}"]
        assert report["outcome"] == "ok"
        assert "sshd: listening" in report["log"]


def test_instant_nodes_do_not_wait_and_realistic_ones_do(
    simulator: Simulator, simulators: Callable[..., Simulator]
) -> None:
    before = time.monotonic()
    simulator.create("Boot02", computes=0, boot_seconds=600)
    assert time.monotonic() - before < 300
    slow = simulators(HEADNODE_SIMULATOR_BOOT="realistic")
    before = time.monotonic()
    slow.create("Boot03", computes=0, boot_seconds=1.5)
    assert time.monotonic() - before > 1.2
    slow.end()


def test_a_broker_that_refuses_fails_the_node_with_its_reason(simulator: Simulator) -> None:
    simulator.broker.refuse["register"] = NodeRefusal.SPENT
    simulator.http.put("/v1/clusters/Boot04", json=simulator.spec("Boot04", computes=0))
    assert failed(simulator, "Boot04")["reason"] == "token_spent"


def test_a_broker_that_is_down_for_a_moment_is_asked_again(simulator: Simulator) -> None:
    simulator.broker.refuse["register"] = 503
    simulator.http.put("/v1/clusters/Boot05", json=simulator.spec("Boot05", computes=0))
    wait_for(lambda: len(simulator.broker.calls) >= 2, "it asks again")
    simulator.broker.refuse.clear()
    wait_for(
        lambda: simulator.http.get("/v1/clusters/Boot05").json()["nodes"][0]["state"] == "running", "it runs"
    )


def test_a_context_for_someone_else_is_not_used(simulator: Simulator) -> None:
    simulator.broker.context["username"] = "uprod_Other1"
    simulator.http.put("/v1/clusters/Boot06", json=simulator.spec("Boot06", computes=0))
    assert failed(simulator, "Boot06")["reason"] == "invalid_context"


def test_the_machinefile_names_every_core(simulator: Simulator, keys: dict[str, Path]) -> None:
    cluster = simulator.create("Boot07", computes=1)
    nodes = cluster.nodes()
    expected = [nodes[name]["hostname"] for name in ("head", "head", "compute-1", "compute-1")]
    assert cluster.ssh(keys["alice"], "cat ~/machinefile").stdout.decode().split() == expected
    resolved = (
        cluster.ssh(keys["alice"], "getent hosts head compute-1 | cut -d' ' -f1").stdout.decode().split()
    )
    assert resolved == [nodes[name]["private_address"] for name in ("head", "compute-1")]


def test_port_22_or_its_fallback(simulator: Simulator, keys: dict[str, Path]) -> None:
    cluster = simulator.create("Boot08", computes=0, port=22)
    assert cluster.port() in (22, 32022)
    assert cluster.ssh(keys["alice"], "true").returncode == 0


def test_faults_by_name(simulator: Simulator) -> None:
    put = simulator.http.put
    assert put("/v1/faults", json={"flood": {}}).json()["reason"] == "unknown_fault"
    assert put("/v1/faults", json={"slow_boot": {"seconds": -1}}).json()["reason"] == "invalid_faults"
    put("/v1/faults", json={"no_capacity": {}})
    assert put("/v1/clusters/Flt001", json=simulator.spec("Flt001")).json()["reason"] == "no_capacity"
    put("/v1/faults", json={"no_capacity": None, "api_down": {}})
    answer = simulator.http.get("/v1/clusters")
    assert (answer.status_code, answer.json()["reason"]) == (503, "api_down")
    put("/v1/faults", json={"api_down": None, "context_fails": {"cluster": "Flt002"}})
    put("/v1/clusters/Flt002", json=simulator.spec("Flt002", computes=0))
    assert failed(simulator, "Flt002")["reason"] == "context_failed"
    assert simulator.broker.reported["uprod_Flt002/head"]["outcome"] == "error"


def test_a_node_that_dies_is_failed_and_the_others_run_on(
    simulator: Simulator, keys: dict[str, Path]
) -> None:
    cluster = simulator.create("Flt003", computes=1)
    simulator.http.put("/v1/faults", json={"node_dies": {"cluster": "Flt003", "node": "compute-1"}})
    nodes = cluster.wait("failed", "compute-1")
    assert (nodes["compute-1"]["reason"], nodes["head"]["state"]) == ("node_died", "running")
    assert cluster.ssh(keys["alice"], "true").returncode == 0
    assert cluster.ssh(keys["alice"], "true", node="compute-1").returncode == 255


def test_host_certificates_of_the_context_are_shown_to_clients(
    simulator: Simulator, keys: dict[str, Path], tmp_path: Path
) -> None:
    cluster = simulator.create("Cert01", computes=0)
    line = simulator.broker.registered[f"{cluster.user}/head"]["host_keys"][0]
    (tmp_path / "host.pub").write_text(line + "\n")
    sign = [
        "ssh-keygen",
        "-q",
        "-s",
        str(keys["authority"]),
        "-I",
        "h",
        "-h",
        "-n",
        "job-cert01",
        "-V",
        "-1m:+1h",
        str(tmp_path / "host.pub"),
    ]
    subprocess.run(sign, check=True)
    # The certificate comes with the context, which is kept: boot again with one in it.
    simulator.end(9)
    path = simulator.var / "clusters/Cert01/cluster.json"
    document = json.loads(path.read_text())
    document["nodes"]["head"]["context"]["host_certificates"] = [
        (tmp_path / "host-cert.pub").read_text().strip()
    ]
    path.write_text(json.dumps(document))
    simulator.start()
    cluster.wait("running")
    known = tmp_path / "known"
    authority = keys["authority"].with_name("authority.pub").read_text()
    # OpenSSH looks a host up in lower case: so must the principal be.
    known.write_text(f"@cert-authority job-cert01 {authority}")
    command = cluster.command(keys["alice"], "echo in", extra=("-o", "HostKeyAlias=job-Cert01"))
    pinned = next(word for word in command if word.startswith("UserKnownHostsFile="))
    command[command.index(pinned)] = f"UserKnownHostsFile={known}"
    done = subprocess.run(command, capture_output=True, timeout=2 * LIMIT)
    assert done.stdout == b"in\n", done.stderr
