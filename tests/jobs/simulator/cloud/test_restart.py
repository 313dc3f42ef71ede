"""The simulator may be killed at any moment: what runs on nodes goes on, and nodes that end come back as they were."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.jobs.simulator.conftest import needs_root
from tests.jobs.simulator.simulator_process import ROOT, Cluster, Simulator, children_of, command_of
from tests.stack import alive
from tests.waiting import LIMIT, wait_for


def test_after_a_restart_homes_addresses_host_keys_and_access_are_as_before(
    simulator: Simulator, keys: dict[str, Path]
) -> None:
    cluster = simulator.create("Back01", computes=1)
    cluster.ssh(keys["alice"], "echo kept > ~/work/note")
    before, calls = cluster.nodes(), len(simulator.broker.calls)
    cluster.access(rules=["127.0.0.1/32", "127.0.0.7/32"])
    family = children_of(simulator.process.pid)
    simulator.end()
    wait_for(lambda: not any(map(alive, family)), "everything ends with it in order")
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


COUNTER = (
    "setsid sh -c 'echo $$ > ~/pid; while :; do echo x >> ~/count; sleep 0.05; done' "
    "< /dev/null > /dev/null 2>&1 & until [ -s ~/pid ]; do sleep 0.05; done; cat ~/pid"
)


def goes_on(cluster: Cluster, key: Path) -> bool:
    """Return whether the counter counts on, within 20 seconds."""
    look = "before=$(wc -l < ~/count); for each in $(seq 400); do "
    look += "[ $(wc -l < ~/count) -gt $before ] && echo on && break; sleep 0.05; done"
    return cluster.ssh(key, look).stdout == b"on\n"


def test_what_runs_on_nodes_goes_on_when_the_simulator_is_killed_again_and_again(
    simulator: Simulator, keys: dict[str, Path]
) -> None:
    cluster, key = simulator.create("Live01", computes=1), keys["alice"]
    before = cluster.nodes()
    number = cluster.ssh(key, COUNTER).stdout
    assert number.strip().isdigit()
    nodes = [pid for pid in children_of(simulator.process.pid) if "agent.pyc" in command_of(pid)]
    assert len(nodes) >= 2
    for _ in range(3):
        simulator.end(signal.SIGKILL)
        assert all(map(alive, nodes))
        simulator.start()
        after = cluster.wait("running")
        assert all(map(alive, nodes)), "these nodes, not new ones"
        assert [after[name]["address"] for name in after] == [before[name]["address"] for name in before]
        assert cluster.ssh(key, "cat ~/pid; kill -0 $(cat ~/pid) && echo lives").stdout == number + b"lives\n"
        assert goes_on(cluster, key)
        assert cluster.ssh(key, "ssh compute-1 hostname").returncode == 0, "inside the cluster, too"
    cluster.delete()
    wait_for(lambda: not any(map(alive, nodes)), "nothing of the cluster is left")


@needs_root
def test_without_bubblewrap_it_goes_on_just_the_same_and_ends_whole(
    simulators: Callable[..., Simulator], keys: dict[str, Path]
) -> None:
    theirs, ours = os.pipe()
    simulator = simulators(lifeline=theirs, HEADNODE_SIMULATOR_SANDBOX="uid")
    cluster, key = simulator.create("Live06", computes=0), keys["alice"]
    number = cluster.ssh(key, COUNTER).stdout
    simulator.end(signal.SIGKILL)
    simulator.start()
    os.close(theirs)
    cluster.wait("running")
    assert cluster.ssh(key, "kill -0 $(cat ~/pid) && cat ~/pid").stdout == number
    assert goes_on(cluster, key)
    simulator.end(signal.SIGKILL)
    assert alive(int(number))
    os.close(ours)
    wait_for(lambda: not alive(int(number)), "the agent ends its programs, which are in no sandbox")


def test_a_taken_up_node_dies_and_stops_like_any_other(simulator: Simulator, keys: dict[str, Path]) -> None:
    cluster, key = simulator.create("Live02", computes=2), keys["alice"]
    cluster.ssh(key, COUNTER)
    simulator.end(signal.SIGKILL)
    simulator.start()
    cluster.wait("running")
    simulator.http.put("/v1/faults", json={"node_dies": {"cluster": cluster.id, "node": "compute-1"}})
    assert cluster.wait("failed", "compute-1")["compute-1"]["reason"] == "node_died"
    simulator.http.post(f"{cluster.path}/nodes/compute-2/stop", json={})
    cluster.wait("stopped", "compute-2")
    assert goes_on(cluster, key)
    simulator.end(signal.SIGKILL)
    simulator.start()
    after = cluster.wait("running", "head")
    assert [after[name]["state"] for name in ("compute-1", "compute-2")] == ["failed", "stopped"]
    assert goes_on(cluster, key)


def test_faults_of_before_are_undone_on_nodes_that_are_taken_up(
    simulator: Simulator, keys: dict[str, Path]
) -> None:
    cluster, key = simulator.create("Live03", computes=1), keys["alice"]
    cut = {"cluster": cluster.id, "node": "compute-1"}
    simulator.http.put(
        "/v1/faults", json={"network_cut": cut, "disk_full": {"cluster": cluster.id, "node": "head"}}
    )
    assert cluster.ssh(key, "ssh -o ConnectTimeout=2 compute-1 true").returncode != 0
    assert cluster.ssh(key, "echo x > ~/full").returncode != 0
    simulator.end(signal.SIGKILL)
    simulator.start()
    cluster.wait("running")
    assert cluster.ssh(key, "echo x > ~/full").returncode == 0
    # The kernel may still hold the address for one that has no route, for some seconds.
    line = "ssh -o ConnectTimeout=30 compute-1 true"
    wait_for(lambda: cluster.ssh(key, line).returncode == 0, "it reaches the other node again")


def test_nodes_of_another_version_are_ended_and_booted_again(
    simulator: Simulator, keys: dict[str, Path]
) -> None:
    cluster, key = simulator.create("Live04", computes=0), keys["alice"]
    cluster.ssh(key, COUNTER)
    family = [pid for pid in children_of(simulator.process.pid) if "agent.pyc" in command_of(pid)]
    simulator.end(signal.SIGKILL)
    note = simulator.var / f"clusters/{cluster.id}/launcher.json"
    note.write_text(json.dumps({**json.loads(note.read_text()), "runtime": "another"}))
    simulator.start()
    cluster.wait("running")
    wait_for(lambda: not any(map(alive, family)), "the old nodes end")
    counted = cluster.ssh(key, "wc -l < ~/count; sleep 0.3; wc -l < ~/count").stdout.split()
    assert len(counted) == 2 and counted[0] == counted[1]


def test_nodes_end_when_whoever_is_responsible_for_the_simulator_is_gone(
    simulators: Callable[..., Simulator], keys: dict[str, Path]
) -> None:
    theirs, ours = os.pipe()
    simulator = simulators(lifeline=theirs)
    os.close(theirs)
    cluster = simulator.create("Live05", computes=1)
    cluster.ssh(keys["alice"], COUNTER)
    family = children_of(simulator.process.pid)
    nodes = [pid for pid in family if "agent.pyc" in command_of(pid)]
    simulator.end(signal.SIGKILL)
    assert all(map(alive, nodes))
    os.close(ours)
    wait_for(lambda: not any(map(alive, family)), "every node and launcher ends")


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
        with socket.create_connection((place["address"], place["port"]), timeout=LIMIT) as fresh:
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
        timeout=2 * LIMIT,
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
        assert left.wait(LIMIT) == -signal.SIGKILL
        assert stranger.poll() is None, "a process number used again is someone else's"
    finally:
        for process in (left, stranger):
            process.kill()
            process.wait()
