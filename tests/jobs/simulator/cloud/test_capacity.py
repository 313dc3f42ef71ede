"""The cloud has a limited number of cores of each core type; it refuses what does not fit, with what is free."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.simulator.cloud.capacity import MAX_CORES_BY_SEED, MIN_CORES, Capacity
from jobs.simulator.settings import WrongSetting, read_settings
from tests.jobs.simulator.simulator_process import Cluster, Simulator
from tests.waiting import wait_for


@pytest.fixture(scope="module")
def small(simulators: Callable[..., Simulator]) -> Iterator[Simulator]:
    """A cloud with eight emerald cores; the nodes of these tests have two each."""
    simulator = simulators(HEADNODE_SIMULATOR_CAPACITY="emerald=8, jade=0")
    yield simulator
    simulator.end()


def order(simulator: Simulator, name: str, computes: int, core_type: str = "emerald") -> Any:
    """Return the answer to an order."""
    spec = simulator.spec(name, computes=computes)
    for node in spec["nodes"]:
        node["core_type"] = core_type
    return simulator.http.put(f"/v1/clusters/{name}", json=spec)


def emerald(simulator: Simulator) -> dict[str, Any]:
    """Return what the cloud reports about its emerald cores."""
    found: dict[str, Any] = simulator.http.get("/v1/capacity").json()["capacity"]["emerald"]
    return found


def test_what_does_not_fit_is_refused_and_what_ends_makes_room(small: Simulator) -> None:
    assert order(small, "Cap001", computes=2).status_code == 201
    assert emerald(small) == {"cores": 8, "taken": 6, "free": 2, "set": False}
    answer = order(small, "Cap002", computes=1)
    assert (answer.status_code, answer.json()["reason"]) == (409, "no_capacity")
    assert answer.json()["message"] == "4 emerald cores were asked for, 2 of 8 are free."
    assert small.http.get("/v1/clusters/Cap002").status_code == 404, "nothing is half made"
    assert order(small, "Cap001", computes=2).status_code == 200, "the same order again takes nothing more"
    first = Cluster(small, "Cap001")
    first.wait("running")
    small.http.post(f"{first.path}/nodes/compute-1/stop", json={})
    first.wait("stopped", "compute-1")
    assert order(small, "Cap002", computes=1).status_code == 201
    for name in ("Cap001", "Cap002"):
        small.http.delete(f"/v1/clusters/{name}")
    wait_for(lambda: emerald(small)["free"] == 8, "all is free again")


def test_core_types_are_counted_apart(small: Simulator) -> None:
    answer = order(small, "Cap003", computes=0, core_type="jade")
    assert answer.json()["message"] == "2 jade cores were asked for, 0 of 0 are free."
    assert order(small, "Cap004", computes=3).status_code == 201
    small.http.delete("/v1/clusters/Cap004")
    wait_for(lambda: emerald(small)["free"] == 8, "all is free again")


def test_it_can_be_set_while_it_runs_and_stays_set(small: Simulator) -> None:
    answer = small.http.put("/v1/capacity", json={"emerald": 2})
    assert answer.json()["capacity"]["emerald"] == {"cores": 2, "taken": 0, "free": 2, "set": True}
    small.end()
    small.start()
    assert order(small, "Cap005", computes=1).json()["message"].endswith("2 of 2 are free.")
    small.http.put("/v1/capacity", json={"emerald": None})
    assert emerald(small)["cores"] == 8


def test_what_runs_goes_on_when_there_is_less(small: Simulator) -> None:
    assert order(small, "Cap006", computes=1).status_code == 201
    small.http.put("/v1/capacity", json={"emerald": 2})
    assert emerald(small) == {"cores": 2, "taken": 4, "free": 0, "set": True}
    Cluster(small, "Cap006").wait("running")
    small.http.put("/v1/capacity", json={"emerald": None})
    small.http.delete("/v1/clusters/Cap006")


@pytest.mark.parametrize("document", [[], {"emerald": -1}, {"emerald": "many"}, {"emerald": True}, {"": 4}])
def test_nonsense_is_refused_with_a_sentence(small: Simulator, document: Any) -> None:
    answer = small.http.put("/v1/capacity", json=document)
    assert (answer.status_code, answer.json()["reason"]) == (400, "invalid_capacity")
    assert answer.json()["message"].endswith(".")


def test_a_core_type_nobody_set_has_what_the_seed_says(tmp_path: Path) -> None:
    totals = [Capacity(tmp_path / "none", seed, {}).total("onyx") for seed in (1, 1, 2, 3, 4)]
    assert totals[0] == totals[1]
    assert len(set(totals)) > 2
    assert all(MIN_CORES <= total < MAX_CORES_BY_SEED for total in totals)


def test_a_setting_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    environment = {
        "HEADNODE_SIMULATOR_VAR": str(tmp_path / "v"),
        "HEADNODE_SIMULATOR_CAPACITY": "emerald:5",
    }
    with pytest.raises(WrongSetting, match="such as emerald=2000"):
        read_settings(environment)
