"""/simulator/faults/ and /simulator/capacity/: for administrators only."""

from typing import Any

import pytest

from accounts.models import AuditEvent, User
from jobs.providers import registry
from tests.api import client_of
from tests.fakes.providers import ProviderWhoseNodesNeverReport
from tests.jobs.making import cluster_of
from tests.jobs.simulator.simulator_process import Simulator

pytestmark = pytest.mark.django_db
FAULTS, CAPACITY = "/api/v2/simulator/faults/", "/api/v2/simulator/capacity/"


def test_others_are_told_403_and_nobody_401(cloud: Simulator, alice: User, client: Any) -> None:
    for path in (FAULTS, CAPACITY):
        for method in ("get", "put"):
            answer = getattr(client_of(alice), method)(path, {"name": "api_down"})
            assert (answer.status_code, answer.json()["reason"]) == (403, "not_administrator")
        assert client.get(path).status_code == 401
    assert cloud.http.get("/v1/faults").json()["faults"] == []


def test_what_there_is_and_what_is_on(cloud: Simulator, admin: User) -> None:
    answer = client_of(admin).get(FAULTS)
    assert answer.status_code == 200
    assert answer.json()["faults"] == []
    (kind,) = [kind for kind in answer.json()["kinds"] if kind["name"] == "slow_boot"]
    assert kind == {
        "name": "slow_boot",
        "title": "Slow boot",
        "about": "node",
        "secondsMean": "longer",
        "usualSeconds": 60.0,
        "missing": "",
    }


def test_a_switch_on_and_off(cloud: Simulator, admin: User, alice: User) -> None:
    cluster, _ = cluster_of(alice, slots=2)
    client = client_of(admin)
    body = {"name": "network_cut", "cluster": cluster.pk, "node": "compute-1", "seconds": 100}
    answer = client.put(FAULTS, body, format="json")
    assert answer.status_code == 200, answer.json()
    (rule,) = answer.json()["faults"]
    assert 0 < rule.pop("endsIn") <= 100
    assert rule == {**body, "seconds": 100.0}
    answer = client.put(FAULTS, {**body, "on": False}, format="json")
    assert answer.json()["faults"] == []
    assert AuditEvent.objects.filter(action__startswith="jobs:fault:", via="api", owner=alice).count() == 2


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "name"),
        ({"name": "flood"}, 400, "name"),
        ({"name": "slow_boot", "seconds": -5}, 400, "seconds"),
        ({"name": "slow_boot", "seconds": "soon"}, 400, "seconds"),
        ({"name": "slow_boot", "node": "A B"}, 400, "node"),
        ({"name": "slow_boot", "cluster": "../../x"}, 400, "cluster"),
    ],
)
def test_a_mistake_is_said_at_its_field(
    cloud: Simulator, admin: User, body: dict[str, Any], status: int, field: str
) -> None:
    answer = client_of(admin).put(FAULTS, body, format="json")
    assert answer.status_code == status, answer.json()
    assert field in answer.json()


def test_cores(cloud: Simulator, admin: User) -> None:
    client = client_of(admin)
    answer = client.put(CAPACITY, {"coreType": "emerald", "cores": 5}, format="json")
    assert answer.status_code == 200
    (emerald,) = [row for row in answer.json() if row["coreType"] == "emerald"]
    assert emerald == {"coreType": "emerald", "cores": 5, "taken": 0, "free": 5, "isSet": True}
    answer = client.put(CAPACITY, {"coreType": "emerald", "cores": None}, format="json")
    assert answer.json()[0]["cores"] == 64
    assert client.put(CAPACITY, {"coreType": "feldspar", "cores": 5}, format="json").status_code == 400


def test_where_clusters_are_real(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "provider_named", lambda name: ProviderWhoseNodesNeverReport())
    for path in (FAULTS, CAPACITY):
        answer = client_of(admin).get(path)
        assert (answer.status_code, answer.json()["reason"]) == (409, "provider_without_faults")
