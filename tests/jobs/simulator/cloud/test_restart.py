"""The simulator may be killed at any moment: nodes come back as they were."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

from tests.jobs.simulator.simulator_process import ROOT, Simulator, children_of
from tests.waiting import wait_for


def test_after_a_kill_homes_addresses_host_keys_and_access_are_as_before(
    simulator: Simulator, keys: dict[str, Path]
) -> None:
    cluster = simulator.create("Back01", computes=1)
    cluster.ssh(keys["alice"], "echo kept > ~/work/note")
    before, calls = cluster.nodes(), len(simulator.broker.calls)
    cluster.access(rules=["127.0.0.1/32", "127.0.0.7/32"])
    family = children_of(simulator.process.pid)
    simulator.end(signal.SIGKILL)
    wait_for(
        lambda: not [pid for pid in family if Path(f"/proc/{pid}").exists()], "agents die with it", limit=5
    )
    simulator.start()
    after = cluster.wait("running")
    assert len(simulator.broker.calls) == calls, "a node that reported does not register again"
    for name, node in before.items():
        assert [after[name][key] for key in ("address", "port", "hostname")] == [
            node[key] for key in ("address", "port", "hostname")
        ]
    # The pinned host key of before still holds (StrictHostKeyChecking), and so does the changed access document.
    done = cluster.ssh(keys["alice"], "cat ~/work/note; echo $RESCALE_JOB_ID", extra=("-b", "127.0.0.7"))
    assert done.stdout == b"kept\nAb12cd\n"
    assert cluster.ssh(keys["alice"], "hostname", node="compute-1").returncode == 0


def test_a_connection_that_a_client_still_holds_does_not_keep_a_node_from_its_address(
    simulator: Simulator,
) -> None:
    cluster = simulator.create("Back05", computes=0)
    place = cluster.nodes()["head"]
    with socket.create_connection((place["address"], place["port"])) as held:
        assert held.recv(4) == b"SSH-"
        simulator.end(signal.SIGKILL)
        simulator.start()
        cluster.wait("running")
        with socket.create_connection((place["address"], place["port"]), timeout=5) as fresh:
            assert fresh.recv(4) == b"SSH-"


def test_a_stopped_node_stays_stopped(simulator: Simulator) -> None:
    cluster = simulator.create("Back02", computes=1)
    simulator.http.post(f"{cluster.path}/nodes/compute-1/stop", json={})
    cluster.wait("stopped", "compute-1")
    simulator.end(signal.SIGKILL)
    simulator.start()
    cluster.wait("running", "head")
    assert cluster.nodes()["compute-1"]["state"] == "stopped"


def test_killed_while_booting_it_boots_on_with_the_same_host_key(
    simulator: Simulator, keys: dict[str, Path]
) -> None:
    simulator.http.put("/v1/faults", json={"slow_boot": {"seconds": 600}})
    simulator.http.put("/v1/clusters/Back03", json=simulator.spec("Back03", computes=0))
    key = simulator.var / "clusters/Back03/head.host_key"
    wait_for(key.exists, "the host key is made")
    made = key.read_bytes()
    simulator.end(signal.SIGKILL)
    simulator.start()
    wait_for(
        lambda: simulator.http.get("/v1/clusters/Back03").json()["nodes"][0]["state"] == "running", "it runs"
    )
    assert key.read_bytes() == made


def test_a_second_simulator_on_the_same_state_is_refused(simulator: Simulator) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jobs.simulator"],
        cwd=ROOT,
        env=simulator.environment,
        capture_output=True,
        timeout=20,
    )
    assert done.returncode == 2
    assert b"Another simulator is running" in done.stderr


def test_two_simulators_step_aside_for_each_other(simulator: Simulator, shared_simulator: Simulator) -> None:
    first = simulator.create("Two001", computes=3)
    second = shared_simulator.create("Two001", computes=3)
    places = [{(n["address"], n["port"]) for n in cluster.nodes().values()} for cluster in (first, second)]
    assert len(places[0] | places[1]) == 8
    shared_simulator.http.delete(second.path)


def test_what_an_earlier_run_left_is_ended(simulator: Simulator) -> None:
    simulator.end()
    left, stranger = (subprocess.Popen(["sleep", "1000"]) for _ in range(2))
    try:
        started = Path(f"/proc/{left.pid}/stat").read_text().rpartition(")")[2].split()[19]
        notes = simulator.var / "clusters/launchers"
        notes.write_text(f"{left.pid} {started}\n{stranger.pid} 1\n")
        simulator.start()
        assert left.wait(10) == -signal.SIGKILL
        assert stranger.poll() is None, "a process number used again is someone else's"
    finally:
        for process in (left, stranger):
            process.kill()
            process.wait()
