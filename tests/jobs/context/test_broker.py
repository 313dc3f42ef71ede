"""Nodes phone home: one token, one set of host keys, one report."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, User
from jobs.context import broker
from jobs.context.tokens import token_of
from jobs.models import Cluster, Node
from jobs.states import Observed
from tests.jobs.making import HOST_KEYS, cluster_of

pytestmark = pytest.mark.django_db

REGISTRATION = {
    "host_keys": HOST_KEYS[:1],
    "address": "127.20.0.5",
    "port": 32100,
    "private_address": "127.20.0.5",
    "hostname": "ip-127-20-0-5",
}


LINE = {"phase": "", "mark": "", "text": "hello"}


def post(call: str, token: str, body: Any) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body)
    return Client().post(
        f"/context/v1/{call}/",
        content,
        content_type="application/json",
        headers={"Authorization": f"Node {token}"},
    )


@pytest.fixture
def node(alice: User) -> Node:
    return cluster_of(alice)[1][0]


@pytest.fixture
def token(node: Node) -> str:
    return token_of(node.cluster_id, node.name)


def test_a_node_registers_and_gets_its_context(node: Node, token: str) -> None:
    answer = post("register", token, REGISTRATION)
    assert answer.status_code == 200
    context = answer.json()
    job = node.cluster.job
    assert context["username"] == f"uprod_{job.pk}"
    assert context["home"] == f"/enc/uprod_{job.pk}"
    assert context["environment"]["RESCALE_JOB_ID"] == job.pk
    assert len(context["user_authorities"]) == 1
    assert context["host_certificates"][0].startswith("ssh-ed25519-cert-v01@openssh.com ")
    node.refresh_from_db()
    assert node.host_keys == HOST_KEYS[:1]
    assert (node.address, node.port) == ("127.20.0.5", 32100)


def test_no_token_lies_in_the_database(node: Node, token: str) -> None:
    row = Node.objects.filter(pk=node.pk).values().get()
    assert token not in json.dumps(row, default=str)


def test_the_same_words_are_answered_again(token: str) -> None:
    assert post("register", token, REGISTRATION).status_code == 200
    assert post("register", token, REGISTRATION).status_code == 200


def test_a_replay_with_other_host_keys_is_refused_and_audited(node: Node, token: str) -> None:
    post("register", token, REGISTRATION)
    answer = post("register", token, {**REGISTRATION, "host_keys": HOST_KEYS[1:]})
    assert (answer.status_code, answer.json()["reason"]) == (409, "token_replayed")
    node.refresh_from_db()
    assert node.host_keys == HOST_KEYS[:1]
    event = AuditEvent.objects.get(action="jobs:node:refused")
    assert event.after["reason"] == "token_replayed"


def test_a_report_spends_the_token(node: Node, token: str) -> None:
    post("register", token, REGISTRATION)
    assert post("report", token, {"outcome": "ok", "log": "all well\n"}).status_code == 200
    node.refresh_from_db()
    assert (node.report_outcome, node.report_log) == ("ok", "all well\n")
    assert (
        post("report", token, {"outcome": "ok", "log": "all well\n"}).status_code == 200
    )  # its answer got lost
    for call, body in [("register", REGISTRATION), ("report", {"outcome": "error", "log": ""})]:
        answer = post(call, token, body)
        assert (answer.status_code, answer.json()["reason"]) == (409, "token_spent")
    node.refresh_from_db()
    assert node.report_outcome == "ok"
    assert AuditEvent.objects.filter(action="jobs:node:refused").count() == 2


def test_a_node_that_is_refused_for_ever_does_not_fill_the_audit_trail(
    node: Node, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "MAX_AUDITED_REFUSALS", 2)
    for _ in range(4):
        assert post("report", token, {"outcome": "ok"}).json()["reason"] == "not_registered"
    Node.objects.update(token_expires_at=timezone.now())
    assert post("report", token, {"outcome": "ok"}).json()["reason"] == "token_expired"
    reasons = [event.after["reason"] for event in AuditEvent.objects.filter(action="jobs:node:refused")]
    assert reasons == ["not_registered", "not_registered", "token_expired"]


def test_a_report_before_the_registration_is_refused(token: str) -> None:
    answer = post("report", token, {"outcome": "ok", "log": ""})
    assert (answer.status_code, answer.json()["reason"]) == (409, "not_registered")


def test_a_late_report_is_refused(node: Node, token: str) -> None:
    post("register", token, REGISTRATION)
    Cluster.objects.filter(pk=node.cluster_id).update(observed_state=Observed.RELEASING)
    answer = post("report", token, {"outcome": "ok", "log": ""})
    assert (answer.status_code, answer.json()["reason"]) == (409, "too_late")


def test_a_node_that_claims_anothers_address_is_refused(alice: User) -> None:
    _, (head, compute) = cluster_of(alice, slots=2)
    assert post("register", token_of(head.cluster_id, "head"), REGISTRATION).status_code == 200
    answer = post(
        "register", token_of(head.cluster_id, "compute-1"), {**REGISTRATION, "host_keys": HOST_KEYS[1:]}
    )
    assert (answer.status_code, answer.json()["reason"]) == (409, "address_taken")
    compute.refresh_from_db()
    assert compute.host_keys == []


def test_an_address_of_a_cluster_that_is_taken_away_may_be_anothers_already(alice: User) -> None:
    _, (before,) = cluster_of(alice)
    assert post("register", token_of(before.cluster_id, "head"), REGISTRATION).status_code == 200
    _, (after,) = cluster_of(alice)
    token, own = token_of(after.cluster_id, "head"), {**REGISTRATION, "host_keys": HOST_KEYS[1:]}
    assert post("register", token, own).json()["reason"] == "address_taken"
    Cluster.objects.filter(pk=before.cluster_id).update(observed_state=Observed.RELEASING)
    assert post("register", token, own).status_code == 200


@pytest.mark.parametrize(
    "claim",
    [
        {"private_address": "127.20.0.5"},
        {"hostname": "ip-127-20-0-5"},
    ],
)
def test_nor_its_address_or_name_inside_the_cluster(alice: User, claim: dict[str, str]) -> None:
    """Peers find each other by these: a node that took another's would receive its connections."""
    _, (head, compute) = cluster_of(alice, slots=2)
    assert post("register", token_of(head.cluster_id, "head"), REGISTRATION).status_code == 200
    own = {
        "address": "127.20.0.6",
        "private_address": "127.20.0.6",
        "hostname": "ip-127-20-0-6",
        "host_keys": HOST_KEYS[1:],
    }
    token = token_of(head.cluster_id, "compute-1")
    answer = post("register", token, {**REGISTRATION, **own, **claim})
    assert (answer.status_code, answer.json()["reason"]) == (409, "address_taken")
    event = AuditEvent.objects.get(action="jobs:node:refused")
    assert (event.after["node"], event.owner_name) == ("compute-1", "alice")
    assert post("register", token, {**REGISTRATION, **own}).status_code == 200
    compute.refresh_from_db()
    assert compute.private_address == "127.20.0.6"


def test_a_token_expires(node: Node, token: str) -> None:
    Node.objects.filter(pk=node.pk).update(token_expires_at=timezone.now() + timedelta(seconds=60))
    assert post("register", token, REGISTRATION).status_code == 200
    Node.objects.filter(pk=node.pk).update(token_expires_at=timezone.now())
    for call, body in [
        ("register", REGISTRATION),
        ("peers", {}),
        ("progress", {"lines": []}),
        ("report", {"outcome": "ok", "log": ""}),
    ]:
        answer = post(call, token, body)
        assert (answer.status_code, answer.json()["reason"]) == (401, "token_expired")
    node.refresh_from_db()
    assert node.reported_at is None
    assert AuditEvent.objects.filter(action="jobs:node:refused").count() == 4


def test_a_node_that_was_left_out_is_too_late(node: Node, token: str) -> None:
    post("register", token, REGISTRATION)
    Node.objects.filter(pk=node.pk).update(left_out=True)
    answer = post("report", token, {"outcome": "ok", "log": ""})
    assert (answer.status_code, answer.json()["reason"]) == (409, "too_late")


@pytest.mark.parametrize("call", ["peers", "progress"])
def test_who_did_not_register_is_told_nothing(token: str, call: str) -> None:
    answer = post(call, token, {"lines": [{"sequence": 1, "at": "2026-01-01T00:00:00Z", **LINE}]})
    assert (answer.status_code, answer.json()["reason"]) == (409, "not_registered")


@pytest.mark.parametrize("token", ["", "x", "0" * 64, "ü"])
def test_an_unknown_token_is_refused(db: None, token: str) -> None:
    assert post("register", token, REGISTRATION).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"host_keys": []},
        {"host_keys": "ssh-ed25519 AAAA"},
        {"host_keys": [7]},
        {"host_keys": ["ssh-ed25519 AAAA"]},
        {"host_keys": HOST_KEYS * 9},
        {"port": 0},
        {"port": "22"},
        {"port": True},
        {"address": "nowhere"},
        {"address": None},
        {"address": 2130706433},
        {"address": "fe80::1%eth0"},
        {"private_address": "fe80::1%\n* ssh-ed25519 AAAA"},
        {"hostname": "a\nb"},
        {"hostname": 5},
    ],
)
def test_a_bad_registration_stores_nothing(node: Node, token: str, change: dict[str, Any]) -> None:
    answer = post("register", token, {**REGISTRATION, **change})
    assert answer.status_code == 400
    assert answer.json()["reason"]
    node.refresh_from_db()
    assert node.registered_at is None


@pytest.mark.parametrize("depth", [10_000, 100_000])
def test_a_body_nested_too_deep_is_refused(token: str, depth: int) -> None:
    answer = post("register", token, b"[" * depth)
    assert (answer.status_code, answer.json()["reason"]) == (400, "not_json")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"outcome": {}}', b"9" * 600_000, b"9" * 1_600_000]
)
def test_garbage_is_refused(token: str, body: bytes) -> None:
    for call in ("register", "progress", "report"):
        assert post(call, token, body).status_code in (400, 413)


def test_only_post_is_understood(db: None) -> None:
    for call in ("register", "peers", "progress", "report"):
        assert Client().get(f"/context/v1/{call}/").status_code == 405
