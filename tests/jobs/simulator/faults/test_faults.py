"""Each named fault in the cloud: what the API returns, what the node's log says, and that it can be undone."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.jobs.simulator.simulator_process import Cluster, Simulator
from tests.waiting import LIMIT, wait_for

Switch = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def fault_simulator(simulators: Callable[..., Simulator]) -> Simulator:
    """One simulator for all faults."""
    return simulators()


@pytest.fixture
def switch(fault_simulator: Simulator) -> Iterator[Switch]:
    """Switches a fault on; all are off after the test."""

    def change(name: str, words: dict[str, Any] | None = None, /, **more: Any) -> dict[str, Any]:
        answer = fault_simulator.http.put("/v1/faults", json={name: words if words is None else words | more})
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    yield change
    kinds = fault_simulator.http.get("/v1/faults").json()["kinds"]
    fault_simulator.http.put("/v1/faults", json={kind["name"]: None for kind in kinds})


@pytest.fixture(scope="module")
def pair(fault_simulator: Simulator) -> Cluster:
    """Two nodes that run, for faults that can be undone."""
    return fault_simulator.create("Pair01", computes=1)


@pytest.fixture
def order(fault_simulator: Simulator) -> Iterator[Callable[..., Cluster]]:
    """Orders clusters without waiting for them; they are deleted after the test."""
    made: list[Cluster] = []

    def put(name: str, **words: Any) -> Cluster:
        answer = fault_simulator.http.put(f"/v1/clusters/{name}", json=fault_simulator.spec(name, **words))
        assert answer.status_code in (200, 201), answer.text
        made.append(Cluster(fault_simulator, name))
        return made[-1]

    yield put
    for cluster in made:
        fault_simulator.http.delete(cluster.path)


def log_says(cluster: Cluster, text: str, node: str = "head") -> None:
    """Wait until the node's log has this."""
    wait_for(lambda: text in cluster.nodes()[node]["log"], f"the log of {node} says {text!r}")


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and the reason."""
    return answer.status_code, answer.json()["reason"]


# -- at the boot ----------------------------------------------------------------------------------


def test_slow_boot_takes_longer_and_ends_when_switched_off(switch: Switch, order: Any) -> None:
    switch("slow_boot", {"cluster": "Slow01", "seconds": 600})
    cluster = order("Slow01", computes=0)
    log_says(cluster, "still checking, 600 s to go")
    assert cluster.nodes()["head"]["state"] == "booting"
    switch("slow_boot", None)
    cluster.wait("running")


def test_a_node_that_never_reports_boots_and_goes_on_when_it_may(switch: Switch, order: Any) -> None:
    switch("never_reports", {"node": "compute-1"})
    cluster = order("Mute01", computes=1)
    log_says(cluster, "no route to the context broker", "compute-1")
    cluster.wait("running", "head")
    broker = cluster.simulator.broker
    assert f"{cluster.user}/compute-1" not in broker.registered
    switch("never_reports", None)
    cluster.wait("running", "compute-1")
    assert broker.reported[f"{cluster.user}/compute-1"]["outcome"] == "ok"


def test_a_context_that_fails_is_reported_with_the_log(switch: Switch, order: Any) -> None:
    switch("context_fails", {"cluster": "Ctx001", "node": "head"})
    cluster = order("Ctx001", computes=1)
    nodes = cluster.wait("failed", "head")
    assert nodes["head"]["reason"] == "context_failed"
    assert "exit status 1" in cluster.simulator.broker.reported[f"{cluster.user}/head"]["log"]
    cluster.wait("running", "compute-1")


def test_a_fault_of_the_next_launch_is_for_that_one_only(switch: Switch, order: Any) -> None:
    said = switch("context_fails", {"cluster": "next"})
    assert [rule["cluster"] for rule in said["faults"]] == ["next"]
    first, second = order("Next01", computes=0), order("Next02", computes=0)
    first.wait("failed")
    second.wait("running")


# -- while it runs --------------------------------------------------------------------------------


def test_a_node_that_dies_does_so_after_its_time(switch: Switch, order: Any, keys: dict[str, Path]) -> None:
    switch("node_dies", {"cluster": "Dead01", "node": "compute-1", "seconds": 0.2})
    cluster = order("Dead01", computes=1)
    nodes = cluster.wait("failed", "compute-1")
    assert nodes["compute-1"]["reason"] == "node_died"
    assert "power lost" in nodes["compute-1"]["log"]
    assert cluster.ssh(keys["alice"], "true").returncode == 0


def test_a_death_that_is_taken_back_in_time_does_not_happen(
    switch: Switch, order: Any, keys: dict[str, Path]
) -> None:
    cluster = order("Dead02", computes=1)
    cluster.wait("running", "compute-1")
    cluster.wait("running")
    switch("node_dies", {"cluster": "Dead02", "node": "head", "seconds": 3})
    switch("node_dies", None)
    # A later death of the other node tells when the time of the first is over.
    switch("node_dies", {"cluster": "Dead02", "node": "compute-1", "seconds": 3.5})
    cluster.wait("failed", "compute-1")
    assert cluster.ssh(keys["alice"], "true").returncode == 0


def reaches(pair: Cluster, key: Path, one: str, other: str, seconds: int = 2) -> bool:
    """Return whether one node can connect to the other's SSH port, and hears from it."""
    line = f"timeout {seconds} bash -c 'exec 3<>/dev/tcp/{other}/32100 && read -u 3 line'"
    return pair.ssh(key, line, node=one).returncode == 0


def wait_until_reached(pair: Cluster, key: Path, one: str, other: str) -> None:
    """The kernel may hold an address for one that has no route, for some seconds after a cut has ended."""
    wait_for(lambda: reaches(pair, key, one, other, seconds=30), f"{one} reaches {other}")


def test_a_cut_holds_in_both_directions_and_what_was_open_goes_on_after_it(
    switch: Switch, pair: Cluster, keys: dict[str, Path]
) -> None:
    key = keys["alice"]
    wait_until_reached(pair, key, "head", "compute-1")
    line = "ssh compute-1 'echo began; read line; echo heard $line'"
    with subprocess.Popen(pair.command(key, line), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as session:
        assert session.stdin is not None and session.stdout is not None
        assert session.stdout.readline() == b"began\n"
        switch("network_cut", {"cluster": pair.id, "node": "compute-1"})
        assert "eth0: link is down" in pair.nodes()["compute-1"]["log"]
        assert not reaches(pair, key, "head", "compute-1")
        assert not reaches(pair, key, "compute-1", "head")
        assert pair.ssh(key, "true", node="compute-1").returncode == 0, "from outside it is still reached"
        session.stdin.write(b"you\n")
        session.stdin.flush()
        switch("network_cut", None)
        assert session.stdout.readline() == b"heard you\n", "a cable that is plugged in again loses nothing"
    assert session.returncode == 0
    wait_until_reached(pair, key, "compute-1", "head")


def test_a_cut_that_lasts_its_seconds_ends_by_itself(
    switch: Switch, pair: Cluster, keys: dict[str, Path]
) -> None:
    said = switch("network_cut", {"cluster": pair.id, "seconds": 2})
    assert 0 < said["faults"][0]["ends_in"] <= 2
    wait_for(lambda: not pair.simulator.http.get("/v1/faults").json()["faults"], "the fault ends")
    wait_until_reached(pair, keys["alice"], "head", "compute-1")


def test_a_full_disk_says_no_space_left_to_every_program(
    switch: Switch, pair: Cluster, keys: dict[str, Path]
) -> None:
    key = keys["alice"]
    pair.ssh(key, "echo before > ~/note; echo before > /tmp/note")
    switch("disk_full", {"cluster": pair.id, "node": "head"})
    assert "No space left on device" in pair.nodes()["head"]["log"]
    for path in ("~/new", "~/note", "~/work/shared/new", "/tmp/new", "/var/tmp/new", "/dev/shm/new"):
        done = pair.ssh(key, f"dd if=/dev/zero of={path} bs=64k count=1 conv=notrunc oflag=append")
        assert b"No space left on device" in done.stderr, (path, done)
    assert pair.ssh(key, "cat ~/note /tmp/note; mkdir ~/x").stdout == b"before\nbefore\n", "reading goes on"
    assert pair.ssh(key, "echo more >> ~/note && cat ~/note", node="compute-1").stdout == b"before\nmore\n"
    switch("disk_full", None)
    done = pair.ssh(key, "cat ~/note && echo more > ~/new && dd if=/dev/zero of=/tmp/big bs=1M count=8")
    assert done.returncode == 0, done
    assert done.stdout == b"before\nmore\n", "what the others wrote meanwhile is there"


def test_a_program_that_writes_to_a_temporary_folder_meets_the_full_disk(
    switch: Switch, pair: Cluster, keys: dict[str, Path]
) -> None:
    line = "while echo $RANDOM$RANDOM$RANDOM >> /tmp/log; do :; done; rm /tmp/log; exit 3"
    with subprocess.Popen(pair.command(keys["alice"], line), stderr=subprocess.PIPE) as session:

        def writes() -> bool:
            assert session.poll() is None, session.communicate()
            return pair.ssh(keys["alice"], "test -s /tmp/log").returncode == 0

        try:
            wait_for(writes, "it writes")
            switch("disk_full", {"cluster": pair.id})
            _, said = session.communicate(timeout=LIMIT)
        finally:
            session.kill()
    assert b"No space left on device" in said
    assert session.returncode == 3


# -- the API --------------------------------------------------------------------------------------


def test_an_api_that_is_down_says_so_and_the_nodes_run_on(
    switch: Switch, pair: Cluster, keys: dict[str, Path]
) -> None:
    switch("api_down", {"cluster": pair.id})
    http = pair.simulator.http
    assert refusal(http.get(pair.path)) == (503, "api_down")
    assert http.get("/v1/clusters").status_code == 200, "it was narrowed to one cluster"
    switch("api_down", {})
    assert refusal(http.get("/v1/clusters")) == (503, "api_down")
    assert http.get("/healthz").status_code == 200
    switch("api_down", None)
    assert pair.ssh(keys["alice"], "true").returncode == 0


def test_a_slow_api_holds_its_answers_back(switch: Switch, pair: Cluster) -> None:
    switch("api_slow", {"seconds": 1})
    with pytest.raises(httpx.ReadTimeout):
        pair.simulator.http.get(pair.path, timeout=0.5)
    before = time.monotonic()
    assert pair.simulator.http.get(pair.path).status_code == 200
    assert time.monotonic() - before >= 1


def test_duplicate_answers_change_things_twice_and_answer_with_yesterdays_news(
    switch: Switch, fault_simulator: Simulator, order: Any
) -> None:
    switch("duplicate_answers", {})
    http, calls = fault_simulator.http, fault_simulator.broker.calls
    del calls[:]
    answer = http.put("/v1/clusters/Twice1", json=fault_simulator.spec("Twice1", computes=0))
    assert answer.status_code == 200, "the second of two orders finds the cluster there"
    cluster = order("Twice1", computes=0)
    wait_for(lambda: len(calls) == 4, "registered twice, reported twice")
    assert [path.rsplit("/", 2)[1] for path in calls] == ["register", "register", "report", "report"]
    cluster.wait("running")
    stopped = http.post(f"{cluster.path}/nodes/head/stop", json={})
    assert stopped.status_code == 202
    states = [http.get(cluster.path).json()["nodes"][0]["state"] for _ in range(3)]
    assert states[0] == "running", "the answer of before"
    cluster.wait("stopped")


def test_a_second_delivery_that_is_refused_does_not_harm_the_node(switch: Switch, order: Any) -> None:
    switch("duplicate_answers", {"cluster": "Twice2"})
    cluster = order("Twice2", computes=0)
    cluster.wait("running")
    assert cluster.nodes()["head"]["reason"] == ""


def test_no_capacity_refuses_new_clusters_only(switch: Switch, pair: Cluster) -> None:
    switch("no_capacity", {})
    http = pair.simulator.http
    answer = http.put("/v1/clusters/Full99", json=pair.simulator.spec("Full99"))
    assert refusal(answer) == (409, "no_capacity")
    assert http.put(pair.path, json=pair.simulator.spec(pair.id)).status_code == 200


# -- switching ------------------------------------------------------------------------------------


def test_a_fault_may_be_on_for_several_and_be_taken_back_for_one(switch: Switch) -> None:
    for node in ("head", "compute-1"):
        switch("slow_boot", {"cluster": "Some01", "node": node, "seconds": 5})
    said = switch("slow_boot", {"cluster": "Some01", "node": "head", "off": True})
    assert [(rule["node"], rule["seconds"]) for rule in said["faults"]] == [("compute-1", 5)]
    said = switch("slow_boot", {"cluster": "Some01", "node": "compute-1", "seconds": 7})
    assert [rule["seconds"] for rule in said["faults"]] == [7], "the same one again is changed"


def test_rules_about_a_cluster_go_with_it(switch: Switch, order: Any) -> None:
    cluster = order("Gone01", computes=0)
    switch("slow_boot", {"cluster": "Gone01", "seconds": 1})
    cluster.wait("running")
    cluster.simulator.http.delete(cluster.path)
    wait_for(lambda: not cluster.simulator.http.get("/v1/faults").json()["faults"], "its rules are gone")


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"flood": {}}, "unknown_fault"),
        ([], "invalid_faults"),
        ({"slow_boot": 5}, "invalid_faults"),
        ({"slow_boot": {"seconds": -1}}, "invalid_faults"),
        ({"slow_boot": {"seconds": True}}, "invalid_faults"),
        ({"slow_boot": {"seconds": 1e9}}, "invalid_faults"),
        ({"slow_boot": {"minutes": 1}}, "invalid_faults"),
        ({"slow_boot": {"cluster": "../x"}}, "invalid_faults"),
        ({"slow_boot": {"node": 7}}, "invalid_faults"),
        ({"api_down": {"node": "head"}}, "invalid_faults"),
    ],
)
def test_what_makes_no_sense_is_refused_whole(fault_simulator: Simulator, document: Any, reason: str) -> None:
    answer = fault_simulator.http.put("/v1/faults", json=document)
    assert refusal(answer) == (400, reason)
    assert answer.json()["message"].endswith(".")
    mixed = {"never_reports": {}, **document} if isinstance(document, dict) else document
    fault_simulator.http.put("/v1/faults", json=mixed)
    assert fault_simulator.http.get("/v1/faults").json()["faults"] == []


def test_where_nodes_share_a_network_a_cut_is_refused_with_the_reason(
    simulators: Callable[..., Simulator], keys: dict[str, Path]
) -> None:
    simulator = simulators(HEADNODE_SIMULATOR_NETWORK="shared")
    assert simulator.http.get("/healthz").json()["network"] == "shared"
    cluster = simulator.create("Share1", computes=1)
    done = cluster.ssh(keys["alice"], "ssh compute-1 hostname")
    assert done.stdout.decode().strip() == cluster.nodes()["compute-1"]["hostname"]
    answer = simulator.http.put("/v1/faults", json={"network_cut": {}})
    assert refusal(answer) == (409, "fault_not_here")
    kinds = {kind["name"]: kind["missing"] for kind in simulator.http.get("/v1/faults").json()["kinds"]}
    assert "share one network" in kinds["network_cut"]
    assert kinds["disk_full"] == ""
    simulator.end()
