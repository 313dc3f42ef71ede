"""A context plan is parsed from JSON and rendered back; a bad one is refused with a sentence and the path at fault."""

import json
from copy import deepcopy
from typing import Any

import pytest

from accounts.models import User
from accounts.refusals import Refused
from jobs.context.context_plan import HEAD, ContextPlan, ContextPolicy, Member, OnError, plain_plan
from jobs.context.plan_reader import read_plan
from jobs.models import Cluster
from jobs.node_contract.phases import Phase
from tests.jobs.making import submitted_job

FULL: dict[str, Any] = {
    "members": [
        {
            "name": "head",
            "role": "head",
            "core_type": "emerald",
            "cores": 2,
            "provides": ["nfs_server"],
            "requires": ["client"],
            "scripts": {"data": "#!/bin/sh\necho hello\n"},
        },
        {
            "name": "compute-1",
            "role": "compute",
            "core_type": "marble",
            "cores": 4,
            "provides": ["client"],
            "requires": ["nfs_server"],
            "scripts": {},
        },
    ],
    "data": {"gridmap.txt": "alice\n"},
    "phase_timeouts": {"data": 60},
    "policy": {"on_error": "continue", "at_least_percent": 50, "hold_hours": 2.5},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """FULL with the value at one path changed: `members.1.name`."""
    document = deepcopy(FULL)
    *way, last = path.split(".")
    node: Any = document
    for step in way:
        node = node[int(step)] if isinstance(node, list) else node[step]
    node[int(last) if isinstance(node, list) else last] = value
    return document


def test_a_plan_is_read_and_given_back() -> None:
    plan = read_plan(FULL)
    assert plan.as_json() == FULL
    assert plan.member("head") == Member(
        "head", "head", "emerald", 2, ("nfs_server",), ("client",), {Phase.DATA: "#!/bin/sh\necho hello\n"}
    )
    assert plan.providers("client") == ("compute-1",)
    assert (plan.timeout_seconds(Phase.DATA), plan.timeout_seconds(Phase.PEERS)) == (60, 120)
    assert plan.policy == ContextPolicy(OnError.CONTINUE, 50, 2.5)


def test_what_is_left_out_has_a_usual_value() -> None:
    member = {"name": "head", "role": "head", "core_type": "emerald", "cores": 1}
    assert read_plan({"members": [member]}) == ContextPlan((Member("head", "head", "emerald", 1),))
    assert read_plan({"members": [member]}).policy.on_error == OnError.BACK_OUT


def test_a_plain_job_has_a_head_and_compute_nodes() -> None:
    plan = plain_plan("emerald", 2, 3)
    assert [(m.name, m.role, m.cores) for m in plan.members] == [
        ("head", HEAD, 2),
        ("compute-1", "compute", 2),
        ("compute-2", "compute", 2),
    ]
    assert read_plan(plan.as_json()) == plan


@pytest.mark.parametrize(
    ("document", "field", "sentence"),
    [
        (None, "plan", "A plan is an object"),
        ({}, "members", "1 to 64 members"),
        ({"members": "head"}, "members", "1 to 64 members"),
        ({"members": [FULL["members"][0]] * 65}, "members", "1 to 64 members"),
        ({**FULL, "price": 1}, "price", "A plan has no 'price'"),
        (changed("members.1", 7), "members[1]", "A member is an object"),
        (changed("members.1.colour", "red"), "members[1].colour", "has no 'colour'"),
        (changed("members.1.name", "Compute"), "members[1].name", "'Compute' cannot name a member"),
        (changed("members.1.name", "a/../b"), "members[1].name", "cannot name a member"),
        (changed("members.1.name", "localhost"), "members[1].name", "cannot name a member"),
        (changed("members.1.name", None), "members[1].name", "cannot name a member"),
        (changed("members.1.name", "head"), "members[1].role", "no other, is named head"),
        (changed("members.0.name", "boss"), "members[0].role", "no other, is named head"),
        (changed("members.1.role", "slave"), "members[1].role", "say head or compute"),
        (changed("members.1.role", ["head"]), "members[1].role", "say head or compute"),
        ({"members": [FULL["members"][1] | {"requires": []}]}, "members", "must be the head node"),
        ({"members": [*FULL["members"], FULL["members"][1]]}, "members[2].name", "Two members"),
        (changed("members.1.core_type", "a b"), "members[1].core_type", "is no core type"),
        (changed("members.1.cores", 0), "members[1].cores", "1 to 4096 cores"),
        (changed("members.1.cores", True), "members[1].cores", "1 to 4096 cores"),
        (changed("members.1.provides", "client"), "members[1].provides", "at most 16 names"),
        (changed("members.1.provides", ["NFS"]), "members[1].provides", "'NFS' cannot name a role"),
        (changed("members.1.provides", ["../x"]), "members[1].provides", "cannot name a role"),
        (changed("members.1.provides", [["x"]]), "members[1].provides", "cannot name a role"),
        (changed("members.1.requires", ["gpu"]), "members[1].requires", "which no member provides"),
        (changed("members.1.scripts", {"boot": "x"}), "members[1].scripts.boot", "has no 'boot'"),
        (changed("members.1.scripts", {"data": " "}), "members[1].scripts.data", "is empty"),
        (changed("members.1.scripts", {"data": "a\0b"}), "members[1].scripts.data", "NUL"),
        (changed("members.1.scripts", {"data": 5}), "members[1].scripts.data", "must be a text"),
        (changed("members.1.scripts", {"data": "x" * 65537}), "members[1].scripts.data", "64 kB"),
        (changed("members.1.scripts", dict.fromkeys(Phase, "x" * 60_000)), "members[1].scripts", "256 kB"),
        (changed("data", {"../etc": "x"}), "data", "cannot name data"),
        (changed("data", {".ssh": "x"}), "data", "cannot name data"),
        (changed("data", {"x": "\ud800"}), "data.x", "surrogate"),
        (changed("data", {f"d{n}": "" for n in range(65)}), "data", "at most 64"),
        (changed("data", {"a": "x" * 200_000, "b": "x" * 200_000}), "data", "All data together"),
        (changed("phase_timeouts", {"data": 0}), "phase_timeouts.data", "1 to 3600"),
        (changed("phase_timeouts", {"data": 1.5}), "phase_timeouts.data", "1 to 3600"),
        (changed("phase_timeouts", {"dance": 1}), "phase_timeouts.dance", "has no 'dance'"),
        (changed("policy", {"on_error": "pray"}), "policy.on_error", "back_out, hold, continue"),
        (changed("policy", {"on_error": []}), "policy.on_error", "back_out, hold, continue"),
        (changed("policy", {"at_least_percent": 101}), "policy.at_least_percent", "1 to 100"),
        (changed("policy", {"hold_hours": 0}), "policy.hold_hours", "greater than 0"),
        (changed("policy", {"hold_hours": float("nan")}), "policy.hold_hours", "greater than 0"),
    ],
)
def test_a_wrong_plan_is_refused_with_a_sentence_and_its_place(
    document: object, field: str, sentence: str
) -> None:
    with pytest.raises(Refused) as refused:
        read_plan(document)
    assert (refused.value.reason, refused.value.field) == ("plan_invalid", field)
    assert sentence in refused.value.message


@pytest.mark.django_db
def test_a_cluster_keeps_its_plan_and_a_plain_job_has_none(alice: User) -> None:
    cluster = submitted_job(alice).cluster
    assert cluster.plan == {}
    Cluster.objects.filter(pk=cluster.pk).update(plan=read_plan(FULL).as_json())
    cluster.refresh_from_db()
    assert read_plan(cluster.plan).as_json() == FULL
    assert json.loads(json.dumps(cluster.plan)) == FULL
