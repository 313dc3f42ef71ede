"""What every provider promises, on the simulated cloud and on the fakes that stand for it."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.providers.base import OrderRefused, ProviderBusy
from tests.contracts import clouds
from tests.contracts.clouds import PORTAL_ID, CloudInMemory, CloudUnderTest, SimulatedCloud, states_of
from tests.fakes import providers as fakes
from tests.fakes.cloud import CloudThatMayBreakAnywhere, PlannedEvent, busy
from tests.jobs.simulator.simulator_process import Simulator
from tests.stack import free_port

NUMBERS = itertools.count(1)
UNKNOWN = {"id": "Nowhere"}


@pytest.fixture(scope="module")
def simulator(simulators: Callable[..., Simulator]) -> Simulator:
    """The real cloud, with room for every order of this module."""
    return simulators(HEADNODE_SIMULATOR_CAPACITY="emerald=1000,onyx=1000")


@pytest.fixture
def real_cloud(simulator: Simulator, keys: dict[str, Path]) -> Iterator[SimulatedCloud]:
    """The real cloud; nothing is broken or left after the test."""
    found = SimulatedCloud(simulator, keys["alice"])
    yield found
    faults = ("no_capacity", "context_fails")
    assert simulator.http.put("/v1/faults", json=dict.fromkeys(faults)).status_code == 200
    found.close()


@pytest.fixture(params=["simulator", "world", "plain fake"])
def cloud(request: pytest.FixtureRequest) -> CloudUnderTest:
    """Each cloud in turn."""
    if request.param == "simulator":
        real: SimulatedCloud = request.getfixturevalue("real_cloud")
        return real
    return {"world": clouds.world_cloud, "plain fake": clouds.plain_fake}[request.param]()


@pytest.fixture
def cluster_id() -> str:
    """An id that no cluster had before."""
    return f"Con{next(NUMBERS):03}"


def access_document(version: int, *keys: str) -> dict[str, object]:
    return {
        "version": version,
        "authorized_keys": list(keys),
        "rules": ["127.0.0.1/32"],
        "user_authorities": [],
        "gateway_addresses": [],
        "withdrawn": {},
    }


def test_what_was_planned_is_what_is_ordered_and_observed(cloud: CloudUnderTest, cluster_id: str) -> None:
    order = cloud.order(cluster_id, computes=1)
    planned = cloud.provider.plan(order)
    assert cloud.provider.observe(planned) is None
    assert cloud.provider.provision(order) == planned
    seen = cloud.provider.observe(planned)
    assert seen is not None
    assert {name: node.name for name, node in seen.items()} == {"head": "head", "compute-1": "compute-1"}
    assert {node.state for node in seen.values()} <= {"booting", "running"}
    assert {node.reason for node in seen.values()} == {""}


def test_the_same_order_again_makes_no_second_cluster(cloud: CloudUnderTest, cluster_id: str) -> None:
    order = cloud.order(cluster_id)
    assert cloud.provider.provision(order) == cloud.provider.provision(order)
    assert [listed.cluster_id for listed in cloud.provider.list()].count(cluster_id) == 1


def test_another_order_under_the_same_id_is_refused(cloud: CloudUnderTest, cluster_id: str) -> None:
    cloud.provider.provision(cloud.order(cluster_id))
    with pytest.raises(OrderRefused) as refused:
        cloud.provider.provision(cloud.order(cluster_id, computes=1))
    assert refused.value.reason == "spec_differs"


def test_the_list_says_what_is_there_and_costs(cloud: CloudUnderTest, cluster_id: str) -> None:
    before = cloud.now()
    state = cloud.provider.provision(cloud.order(cluster_id, computes=1))
    [listed] = [found for found in cloud.provider.list() if found.cluster_id == cluster_id]
    assert (listed.portal_id, listed.state) == (PORTAL_ID, state)
    assert before - timedelta(seconds=1) <= listed.ordered_at <= cloud.now() + timedelta(seconds=1)
    assert listed.ordered_at.utcoffset() == timedelta()
    facts = [(node.name, node.core_type, node.cores) for node in listed.nodes]
    assert facts == [("head", "emerald", 2), ("compute-1", "onyx", 4)]
    assert {node.state for node in listed.nodes} <= {"booting", "running"}


def test_the_list_has_the_states_that_are_observed(cloud: CloudUnderTest, cluster_id: str) -> None:
    state = cloud.provider.provision(cloud.order(cluster_id, computes=1))
    cloud.provider.stop_nodes(state, ["compute-1"], "Not needed any more.")
    cloud.wait(lambda: (states_of(cloud, state) or {})["compute-1"] == "stopped", "compute-1 stops")
    [listed] = [found for found in cloud.provider.list() if found.cluster_id == cluster_id]
    assert {node.name: node.state for node in listed.nodes}["compute-1"] == "stopped"


def test_a_cluster_without_a_portals_id_is_not_listed(cloud: CloudUnderTest, cluster_id: str) -> None:
    state = cloud.provider.provision(cloud.order(cluster_id, portal_id=""))
    assert states_of(cloud, state) is not None
    assert cluster_id not in [listed.cluster_id for listed in cloud.provider.list()]


def test_a_node_stops_in_its_own_time_and_the_others_stay(cloud: CloudUnderTest, cluster_id: str) -> None:
    state = cloud.provider.provision(cloud.order(cluster_id, computes=1))
    cloud.bring_up(state)
    cloud.provider.stop_nodes(state, ["compute-1"], "Not needed any more.")
    cloud.provider.stop_nodes(state, ["compute-1"], "Not needed any more.")
    seen = states_of(cloud, state)
    assert seen is not None
    assert seen["compute-1"] == "stopping"
    assert seen["head"] in ("booting", "running")
    cloud.wait(lambda: (states_of(cloud, state) or {})["compute-1"] == "stopped", "compute-1 stops")
    cloud.provider.stop_nodes(state, ["compute-1"], "Not needed any more.")
    assert (states_of(cloud, state) or {})["compute-1"] == "stopped"


def test_a_cluster_is_released_in_its_own_time(cloud: CloudUnderTest, cluster_id: str) -> None:
    order = cloud.order(cluster_id)
    state = cloud.provider.provision(order)
    cloud.bring_up(state)
    cloud.provider.release(state, "It is over.")
    assert states_of(cloud, state) == {"head": "stopping"}
    with pytest.raises(OrderRefused) as refused:
        cloud.provider.provision(order)
    assert refused.value.reason == "deleting"
    cloud.provider.release(state, "It is over.")
    cloud.wait(lambda: states_of(cloud, state) is None, "the cluster is gone")
    assert cluster_id not in [listed.cluster_id for listed in cloud.provider.list()]
    assert cloud.provider.push_access(state, access_document(1)) is None


def test_the_newest_access_document_is_in_force(cloud: CloudUnderTest, cluster_id: str) -> None:
    state = cloud.provider.provision(cloud.order(cluster_id))
    cloud.wait(
        lambda: cloud.provider.push_access(state, access_document(900)) == 900, "version 900 is in force"
    )
    assert cloud.provider.push_access(state, access_document(899)) == 900
    assert cloud.provider.push_access(state, access_document(901)) == 901


def test_the_record_says_how_long_each_node_existed(cloud: CloudUnderTest, cluster_id: str) -> None:
    """What is charged: also once the cluster is gone, when it can be asked for nothing else."""
    before = cloud.now() - timedelta(seconds=1)
    state = cloud.provider.provision(cloud.order(cluster_id, computes=1))
    cloud.bring_up(state)
    cloud.provider.stop_nodes(state, ["compute-1"], "Not needed any more.")
    cloud.wait(lambda: (states_of(cloud, state) or {})["compute-1"] == "stopped", "compute-1 stops")
    record = {used.name: used for used in cloud.provider.usage(state) or []}
    seen = cloud.provider.observe(state)
    assert seen is not None
    for name, used in record.items():
        assert (used.since, used.until) == (seen[name].since, seen[name].until)
        assert before <= used.since <= cloud.now() + timedelta(seconds=1)
    assert record["head"].until is None
    stopped_at = record["compute-1"].until
    assert stopped_at is not None
    assert stopped_at >= record["compute-1"].since
    cloud.provider.release(state, "It is over.")
    cloud.wait(lambda: states_of(cloud, state) is None, "the cluster is gone")
    last = {used.name: used for used in cloud.provider.usage(state) or []}
    assert [(used.name, used.core_type, used.cores) for used in last.values()] == [
        ("head", "emerald", 2),
        ("compute-1", "onyx", 4),
    ]
    assert last["compute-1"] == record["compute-1"]
    assert last["head"].since == record["head"].since
    assert last["head"].until is not None
    assert last["head"].until >= stopped_at


def test_there_is_no_record_of_a_cluster_that_never_was(cloud: CloudUnderTest) -> None:
    assert not cloud.provider.usage(UNKNOWN)
    assert not cloud.provider.usage({})


def test_a_cluster_that_does_not_exist_is_no_error(cloud: CloudUnderTest) -> None:
    assert cloud.provider.observe(UNKNOWN) is None
    assert cloud.provider.observe({}) is None
    assert cloud.provider.push_access(UNKNOWN, access_document(1)) is None
    assert list(cloud.provider.logins(UNKNOWN, 0)) == []
    cloud.provider.certify(UNKNOWN, {"head": []})
    cloud.provider.broadcast(UNKNOWN, "Hello.", "key")
    cloud.provider.stop_nodes(UNKNOWN, ["head"], "Stop.")
    cloud.provider.release(UNKNOWN, "Gone.")
    cloud.provider.release({}, "Never ordered.")


@pytest.fixture(params=["simulator", "world", "ProviderWithoutCapacity"])
def full_cloud(request: pytest.FixtureRequest) -> CloudUnderTest:
    """Clouds without room for another cluster."""
    if request.param == "ProviderWithoutCapacity":
        return CloudInMemory(fakes.ProviderWithoutCapacity())
    if request.param == "world":
        full = clouds.world_cloud()
        assert isinstance(full.provider, CloudThatMayBreakAnywhere)
        full.provider.world.refuses_orders = True
        return full
    real: SimulatedCloud = request.getfixturevalue("real_cloud")
    assert real.simulator.http.put("/v1/faults", json={"no_capacity": {}}).status_code == 200
    return real


def test_an_order_without_room_is_refused(full_cloud: CloudUnderTest, cluster_id: str) -> None:
    order = full_cloud.order(cluster_id)
    with pytest.raises(OrderRefused) as refused:
        full_cloud.provider.provision(order)
    assert (refused.value.reason, refused.value.retryable) == ("no_capacity", False)
    assert states_of(full_cloud, full_cloud.provider.plan(order)) is None


@pytest.fixture(params=["simulator", "world", "ProviderDownAtFirst"])
def silent_cloud(request: pytest.FixtureRequest) -> CloudUnderTest:
    """Clouds that do not answer."""
    if request.param == "ProviderDownAtFirst":
        return CloudInMemory(fakes.ProviderDownAtFirst(times=9))
    if request.param == "world":
        silent = clouds.world_cloud()
        assert isinstance(silent.provider, CloudThatMayBreakAnywhere)
        silent.provider.world.planned += [PlannedEvent("cloud", number, busy) for number in (1, 1, 1, 1)]
        return silent
    nobody = f"http://127.0.0.1:{free_port()}"
    return SimulatedCloud(
        request.getfixturevalue("simulator"), request.getfixturevalue("keys")["alice"], nobody
    )


@pytest.mark.parametrize("call", ["provision", "observe", "list", "release"])
def test_a_cloud_that_does_not_answer_is_busy(
    silent_cloud: CloudUnderTest, cluster_id: str, call: str
) -> None:
    provider, state = silent_cloud.provider, {"id": cluster_id}
    calls: dict[str, Callable[[], object]] = {
        "provision": lambda: provider.provision(silent_cloud.order(cluster_id)),
        "observe": lambda: provider.observe(state),
        "list": provider.list,
        "release": lambda: provider.release(state, "It is over."),
    }
    with pytest.raises(ProviderBusy) as silence:
        calls[call]()
    silent_cloud.close()
    assert (silence.value.reason, silence.value.retryable) == ("provider_unreachable", True)


@pytest.fixture(params=["simulator", "ProviderWhoseNodeFails"])
def breaking_cloud(request: pytest.FixtureRequest, cluster_id: str) -> CloudUnderTest:
    """Clouds in which the head node does not come up."""
    if request.param == "ProviderWhoseNodeFails":
        return CloudInMemory(fakes.ProviderWhoseNodeFails())
    real: SimulatedCloud = request.getfixturevalue("real_cloud")
    rule = {"cluster": cluster_id, "node": "head"}
    assert real.simulator.http.put("/v1/faults", json={"context_fails": rule}).status_code == 200
    return real


def test_a_node_that_fails_stays_and_says_why(breaking_cloud: CloudUnderTest, cluster_id: str) -> None:
    cloud = breaking_cloud
    state = cloud.provider.provision(cloud.order(cluster_id))
    cloud.wait(lambda: states_of(cloud, state) == {"head": "failed"}, "the head node fails")
    seen = cloud.provider.observe(state)
    assert seen is not None
    assert seen["head"].reason
    cloud.provider.stop_nodes(state, ["head"], "It failed.")
    assert states_of(cloud, state) == {"head": "failed"}
    cloud.provider.release(state, "It failed.")
    cloud.wait(lambda: states_of(cloud, state) is None, "the cluster is gone")


def test_an_order_whose_answer_was_lost_is_there(cluster_id: str) -> None:
    """As the real cloud is after a connection broke: see the same order sent twice, above."""
    fake = CloudInMemory(fakes.ProviderThatAnswersTwice())
    order = fake.order(cluster_id)
    with pytest.raises(ProviderBusy):
        fake.provider.provision(order)
    assert states_of(fake, fake.provider.plan(order)) is not None
    assert fake.provider.provision(replace(order)) == fake.provider.plan(order)
    assert len(fake.provider.list()) == 1
