"""Switching faults and setting cores: what is recorded, what is refused, and that neither happens without the other."""

from typing import Any

import pytest

from accounts.audit.trail import Actor
from accounts.models import AuditEvent, User
from accounts.refusals import Refused
from jobs.control import controller
from jobs.models import Cluster, CoreType
from jobs.providers import fault_actions, registry
from jobs.providers.fault_injection import FaultRule
from jobs.states import Observed
from tests.fakes.providers import ProviderWhoseNodesNeverReport
from tests.jobs.making import cluster_of, submitted_job
from tests.jobs.simulator.simulator_process import Simulator

pytestmark = pytest.mark.django_db


def actor(user: User) -> Actor:
    return Actor(user, "192.0.2.7", "page")


def events(action: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action))


def test_a_fault_is_switched_on_and_off_with_its_record(cloud: Simulator, admin: User, alice: User) -> None:
    cluster, _ = cluster_of(alice, slots=2)
    rule = FaultRule("slow_boot", cluster.pk, "compute-1", 30)
    board = fault_actions.switch_on(actor(admin), rule)
    assert [(r.name, r.cluster, r.node, r.seconds) for r in board.rules] == [
        ("slow_boot", cluster.pk, "compute-1", 30)
    ]
    assert cloud.http.get("/v1/faults").json()["faults"][0]["node"] == "compute-1"
    (event,) = events("jobs:fault:switched_on")
    assert (event.actor, event.owner, event.object_id) == (admin, alice, "slow_boot")
    assert event.after == {"cluster": cluster.pk, "node": "compute-1", "seconds": 30}
    assert fault_actions.switch_off(actor(admin), rule).rules == []
    assert fault_actions.switch_off(actor(admin), rule).rules == [], "once more is no error"
    assert len(events("jobs:fault:switched_off")) == 2


def test_one_fault_in_two_places_is_switched_off_in_one(cloud: Simulator, admin: User) -> None:
    for node in ("head", "compute-1"):
        fault_actions.switch_on(actor(admin), FaultRule("disk_full", "next", node))
    board = fault_actions.switch_off(actor(admin), FaultRule("disk_full", "next", "head"))
    assert [rule.node for rule in board.rules] == ["compute-1"]


@pytest.mark.parametrize(
    ("rule", "reason", "field"),
    [
        (FaultRule("flood"), "unknown_fault", "name"),
        (FaultRule("api_down", "", "head"), "not_about_nodes", "node"),
        (FaultRule("slow_boot", "", "Head 1"), "bad_node", "node"),
        (FaultRule("slow_boot", "Nobody"), "no_such_cluster", "cluster"),
        (FaultRule("slow_boot", "", "", -1), "bad_seconds", "seconds"),
        (FaultRule("slow_boot", "", "", 86_401), "bad_seconds", "seconds"),
        (FaultRule("slow_boot", "", "", float("nan")), "bad_seconds", "seconds"),
    ],
)
def test_what_makes_no_sense_is_refused_and_not_recorded(
    cloud: Simulator, admin: User, rule: FaultRule, reason: str, field: str
) -> None:
    with pytest.raises(Refused) as refused:
        fault_actions.switch_on(actor(admin), rule)
    assert (refused.value.reason, refused.value.field) == (reason, field)
    assert refused.value.message.endswith(".")
    assert cloud.http.get("/v1/faults").json()["faults"] == []
    assert events("jobs:fault:switched_on") == []


def test_a_node_the_cluster_does_not_have_is_named_with_those_it_has(
    cloud: Simulator, admin: User, alice: User
) -> None:
    cluster, _ = cluster_of(alice, slots=2)
    with pytest.raises(Refused, match="has no node compute-7; it has: head, compute-1"):
        fault_actions.switch_on(actor(admin), FaultRule("node_dies", cluster.pk, "compute-7"))


def test_a_cluster_that_is_gone_has_no_faults(cloud: Simulator, admin: User, alice: User) -> None:
    cluster, _ = cluster_of(alice, Observed.RELEASED)
    assert fault_actions.clusters() == []
    with pytest.raises(Refused, match="no such cluster"):
        fault_actions.switch_on(actor(admin), FaultRule("node_dies", cluster.pk))


def test_cores_are_set_and_a_job_that_does_not_fit_is_told_what_is_free(
    cloud: Simulator, admin: User, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault_actions.set_cores(actor(admin), "emerald", 3)
    (event,) = events("jobs:capacity:changed")
    assert (event.before, event.after) == ({"cores": 64}, {"cores": 3})
    cluster = submitted_job(alice, slots=4).cluster
    controller.reconcile(cluster.pk, registry.provider_named)
    found = Cluster.objects.get(pk=cluster.pk)
    assert found.failure == (
        "Could not allocate compute resources from the compute provider. "
        "4 emerald cores were asked for, 3 of 3 are free."
    )
    fault_actions.set_cores(actor(admin), "emerald", None)
    counts = {count.core_type: count for count in fault_actions.core_counts()}
    assert (counts["emerald"].cores, counts["emerald"].is_set) == (64, False)
    assert list(counts) == list(CoreType.objects.values_list("pk", flat=True)), "as in the catalogue"


@pytest.mark.parametrize(
    ("core_type", "cores", "field"),
    [("feldspar", 5, "core_type"), ("emerald", -1, "cores"), ("emerald", 10**7, "cores")],
)
def test_cores_that_make_no_sense_are_refused(
    cloud: Simulator, admin: User, core_type: str, cores: Any, field: str
) -> None:
    with pytest.raises(Refused) as refused:
        fault_actions.set_cores(actor(admin), core_type, cores)
    assert refused.value.field == field
    assert events("jobs:capacity:changed") == []


def test_a_cloud_that_is_real_has_nothing_to_break(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "provider_named", lambda name: ProviderWhoseNodesNeverReport())
    for ask in (fault_actions.fault_overview, fault_actions.core_counts):
        with pytest.raises(Refused) as refused:
            ask()
        assert (refused.value.reason, refused.value.status) == ("provider_without_faults", 409)


def test_what_the_cloud_did_not_hear_is_not_recorded(
    cloud: Simulator, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = registry.provider_named("simulated")
    board = fault_actions.fault_overview()
    monkeypatch.setattr(provider, "fault_overview", lambda: board)
    monkeypatch.setattr(provider, "_token_file", "/nowhere")
    with pytest.raises(Refused) as refused:
        fault_actions.switch_on(actor(admin), FaultRule("slow_boot"))
    assert (refused.value.reason, refused.value.status) == ("provider_unreachable", 503)
    assert events("jobs:fault:switched_on") == []
