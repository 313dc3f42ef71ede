"""Roles: a node that requires one gets those who provide it, once all of them have registered."""

from typing import Any

import pytest

from accounts.models import User
from jobs.context.context_plan import ContextPlan, ContextPolicy, Member, OnError
from jobs.context.tokens import token_of
from jobs.models import Cluster, Node
from jobs.node_contract.phases import Phase
from tests.jobs.context.test_broker import REGISTRATION, post
from tests.jobs.making import HOST_KEYS, cluster_of

pytestmark = pytest.mark.django_db
NUMBERS = {"head": 5, "compute-1": 6, "compute-2": 7}


def plan(on_error: OnError = OnError.BACK_OUT) -> dict[str, Any]:
    return ContextPlan(
        members=(
            Member("head", "head", "emerald", 1, ("server",), ("client",), {Phase.DATA: "echo hello\n"}),
            Member("compute-1", "compute", "emerald", 1, ("client",), ("server",)),
            Member("compute-2", "compute", "emerald", 1, ("client",)),
        ),
        data={"greeting": "good day"},
        phase_timeouts={Phase.DATA: 7},
        policy=ContextPolicy(on_error),
    ).as_json()


@pytest.fixture
def cluster(alice: User) -> Cluster:
    found, _ = cluster_of(alice, slots=3)
    Cluster.objects.filter(pk=found.pk).update(plan=plan())
    return found


def register(cluster: Cluster, name: str) -> dict[str, Any]:
    number = NUMBERS[name]
    body = {
        **REGISTRATION,
        "address": f"127.20.0.{number}",
        "private_address": f"127.20.0.{number}",
        "hostname": f"ip-127-20-0-{number}",
    }
    answer = post("register", token_of(cluster.pk, name), body)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def peers(cluster: Cluster, name: str, **body: Any) -> Any:
    return post("peers", token_of(cluster.pk, name), body)


def test_a_member_hears_its_part(cluster: Cluster) -> None:
    answered = register(cluster, "head")
    assert answered["member"] == {
        "name": "head",
        "role": "head",
        "provides": ["server"],
        "requires": ["client"],
    }
    assert answered["data"] == {"greeting": "good day"}
    assert [phase["name"] for phase in answered["phases"]] == list(Phase)
    assert answered["phases"][3] == {"name": "data", "timeout_seconds": 7, "script": "echo hello\n"}
    assert answered["phases"][4] == {"name": "finalize", "timeout_seconds": 120, "script": ""}
    assert [member["name"] for member in answered["members"]] == list(NUMBERS)
    assert answered["on_error"] == "halt"
    assert "compute-1" not in str(answered["peers"].get("roles"))


def test_nobody_hears_of_anothers_scripts(cluster: Cluster) -> None:
    assert "echo hello" not in str(register(cluster, "compute-1"))


def test_not_yet_then_all_at_once(cluster: Cluster) -> None:
    answered = register(cluster, "head")["peers"]
    assert answered["waiting_for"] == {"client": ["compute-1", "compute-2"]}
    register(cluster, "compute-2")
    answer = peers(cluster, "head")
    assert (answer.status_code, answer.headers["Retry-After"]) == (202, "1")
    assert answer.json()["waiting_for"] == {"client": ["compute-1"]}
    assert 0 < answer.json()["ask_again_seconds"] <= 2
    # The last one needs no second call: who provides what it requires is there.
    (server,) = register(cluster, "compute-1")["peers"]["roles"]["server"]
    assert server == {
        "name": "head",
        "hostname": "ip-127-20-0-5",
        "address": "127.20.0.5",
        "host_keys": HOST_KEYS[:1],
    }
    answer = peers(cluster, "head")
    assert answer.status_code == 200
    assert [peer["name"] for peer in answer.json()["roles"]["client"]] == ["compute-1", "compute-2"]


def test_who_requires_nothing_waits_for_nobody(cluster: Cluster) -> None:
    assert register(cluster, "compute-2")["peers"] == {"roles": {}}


@pytest.mark.parametrize("lost", [{"state": Node.State.FAILED}, {"report_outcome": "error"}])
def test_who_failed_is_not_waited_for(cluster: Cluster, lost: dict[str, str]) -> None:
    register(cluster, "head")
    register(cluster, "compute-2")
    cluster.nodes.filter(name="compute-1").update(**lost)
    assert [peer["name"] for peer in peers(cluster, "head").json()["roles"]["client"]] == ["compute-2"]
    cluster.nodes.filter(name="compute-2").update(**lost)
    answer = peers(cluster, "head")
    assert (answer.status_code, answer.json()["reason"]) == (409, "peer_failed")
    assert (
        answer.json()["detail"] == "Nobody is left for client, which compute-1 and compute-2 would provide."
    )


@pytest.mark.parametrize(
    ("on_error", "status"), [(OnError.BACK_OUT, 202), (OnError.HOLD, 202), (OnError.CONTINUE, 200)]
)
def test_some_will_do_only_where_the_cluster_goes_on_without_the_rest(
    cluster: Cluster, on_error: OnError, status: int
) -> None:
    Cluster.objects.filter(pk=cluster.pk).update(plan=plan(on_error))
    register(cluster, "head")
    assert peers(cluster, "head", some_will_do=True).status_code == 202  # nobody is not enough
    register(cluster, "compute-1")
    assert peers(cluster, "head", some_will_do="yes").status_code == 202
    assert peers(cluster, "head", some_will_do=True).status_code == status


def test_a_held_clusters_nodes_stay(cluster: Cluster) -> None:
    Cluster.objects.filter(pk=cluster.pk).update(plan=plan(OnError.HOLD))
    assert register(cluster, "head")["on_error"] == "stay"


def test_another_clusters_members_are_never_heard_of(alice: User, bob: User, cluster: Cluster) -> None:
    others, _ = cluster_of(bob, slots=3)
    Cluster.objects.filter(pk=others.pk).update(plan=plan())
    body = {
        **REGISTRATION,
        "address": "127.20.9.9",
        "private_address": "127.20.9.9",
        "hostname": "ip-127-20-9-9",
    }
    assert post("register", token_of(others.pk, "compute-1"), body).status_code == 200
    register(cluster, "head")
    assert peers(cluster, "head").json()["waiting_for"] == {"client": ["compute-1", "compute-2"]}
