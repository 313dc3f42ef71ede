"""A node's boot stream: whatever the order and number of its reports, the same rows and the same phases."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.models import AuditEvent, User
from accounts.refusals import Refused
from jobs.context import boot_line_store, broker
from jobs.context.boot_stream import phases_of
from jobs.context.tokens import token_of
from jobs.models import BootLine, Node
from jobs.node_contract.boot_lines import read_lines
from tests import catalogue
from tests.jobs.making import HOST_KEYS, cluster_of

T0 = datetime(2026, 1, 1, tzinfo=UTC)
REGISTRATION = {
    "host_keys": HOST_KEYS[:1],
    "address": "127.20.0.5",
    "port": 32100,
    "private_address": "127.20.0.5",
    "hostname": "ip-127-20-0-5",
}


def line(
    sequence: int, text: str = "", phase: str = "", mark: str = "", at: float | None = None
) -> dict[str, Any]:
    moment = T0 + timedelta(seconds=sequence if at is None else at)
    return {"sequence": sequence, "at": moment.isoformat(), "phase": phase, "mark": mark, "text": text}


BOOT = [
    line(1, "starting"),
    line(2, "", "hosts", "start"),
    line(3, "", "hosts", "ok", at=3.5),
    line(4, "", "peers", "start"),
    line(5, "waiting for client", "peers", "wait"),
    line(6, "", "peers", "ok", at=9),
    line(7, "", "data", "start", at=9),
    line(8, "copied\nmore", "data"),
    line(9, "exit status 3", "data", "error", at=12),
]


def test_the_lines_tell_the_phases() -> None:
    runs = {run.phase.value: run for run in phases_of(read_lines(BOOT))}
    assert {name: run.state for name, run in runs.items()} == {
        "hosts": "ok",
        "peers": "ok",
        "this_host": "ahead",
        "data": "error",
        "finalize": "ahead",
    }
    assert runs["hosts"].took == timedelta(seconds=1.5)
    assert runs["peers"].took == timedelta(seconds=5)
    assert runs["data"].detail == "exit status 3"
    assert runs["this_host"].took is None


def test_a_phase_that_was_interrupted_begins_anew() -> None:
    again = [line(1, "", "data", "start"), line(100_001, "", "data", "start", at=50)]
    (run,) = [run for run in phases_of(read_lines(again)) if run.phase == "data"]
    assert (run.state, run.started_at) == ("running", T0 + timedelta(seconds=50))


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (None, "a list of at most 1000"),
        ({}, "a list of at most 1000"),
        ([line(1)] * 1001, "a list of at most 1000"),
        (["x"], "A line is an object"),
        ([line(0)], "is a number from 1"),
        ([line(1) | {"sequence": True}], "is a number from 1"),
        ([line(1) | {"sequence": 10**12}], "is a number from 1"),
        ([line(1), line(1)], "the same sequence"),
        ([line(1, phase="dance")], "one of hosts, peers"),
        ([line(1) | {"phase": None}], "one of hosts, peers"),
        ([line(1, mark="maybe")], "start, wait, ok or error"),
        ([line(1) | {"mark": []}], "start, wait, ok or error"),
        ([line(1, "x" * 20_000)], "at most 16384 characters"),
        ([line(1) | {"text": 5}], "at most 16384 characters"),
        ([line(1) | {"at": "yesterday"}], "ISO 8601"),
        ([line(1) | {"at": 5}], "ISO 8601"),
        ([line(1) | {"at": "0001-01-01T00:00:00+14:00"}], "ISO 8601"),
        ([line(1) | {"at": "1999-12-31T00:00:00Z"}], "ISO 8601"),
    ],
)
def test_lines_that_are_none_are_refused(lines: Any, sentence: str) -> None:
    requests = [(broker.progress, {"lines": lines}), (broker.report, {"outcome": "ok", "lines": lines})]
    for call, request in requests:
        with pytest.raises(Refused) as refused:
            call("token", request, "192.0.2.9")
        error = refused.value
        assert (error.reason, error.field, error.status) == ("bad_lines", "lines", 400)
        assert sentence in error.message


class AnyOrder(TestCase):
    """Reports in any order, any number of times, however they are cut, are the same rows in the end."""

    def setUp(self) -> None:
        catalogue.make_sure()
        self.alice = User.objects.create_user("alice", "alice@example.org", "correct horse battery")

    @settings(max_examples=25, deadline=None)
    @given(st.randoms(use_true_random=False), st.integers(1, 5))
    def test_the_same_rows(self, dice: random.Random, size: int) -> None:
        _, (node, *_) = cluster_of(self.alice)
        token = token_of(node.cluster_id, node.name)
        broker.register(token, REGISTRATION, "127.0.0.1")
        batches = [BOOT[start : start + size] for start in range(0, len(BOOT), size)]
        sent = [dice.choice(batches) for _ in range(len(batches))] + batches
        dice.shuffle(sent)
        for batch in sent:
            broker.progress(token, {"lines": dice.sample(batch, len(batch))}, "127.0.0.1")
        final = {"outcome": "error", "log": "all of it\n", "lines": dice.choice(batches)}
        for _ in range(dice.randint(1, 3)):
            broker.report(token, final, "127.0.0.1")
            broker.progress(token, {"lines": dice.choice(batches)}, "127.0.0.1")
        rows = [boot_line_store.line_of_row(row) for row in BootLine.objects.filter(node=node)]
        assert rows == read_lines(BOOT)
        node.refresh_from_db()
        assert (node.heard, node.report_outcome) == (9, "error")
        messages = [event.message for event in node.cluster.job.events.filter(source="node")]
        assert messages[1:] == ["head reports an ERROR in phase data: exit status 3"]
        assert not AuditEvent.objects.filter(action="jobs:node:refused").exists()
        Node.objects.filter(pk=node.pk).update(state=Node.State.STOPPED)  # its address is free again


@pytest.fixture
def token(alice: User) -> str:
    """Of a node that has registered."""
    _, (node, *_) = cluster_of(alice)
    token = token_of(node.cluster_id, node.name)
    broker.register(token, REGISTRATION, "127.0.0.1")
    return token


def refused(action: Any, token: str, request: dict[str, Any]) -> str:
    with pytest.raises(Refused) as error:
        action(token, request, "192.0.2.9")
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.after["reason"], event.source_address) == (
        "jobs:node:refused",
        error.value.reason,
        "192.0.2.9",
    )
    return error.value.reason


@pytest.mark.django_db
def test_characters_that_no_database_stores_are_replaced(token: str) -> None:
    request = {"outcome": "error", "log": "c\0d\udfff", "lines": [line(1, "a\0b\ud800", "data", "error")]}
    broker.report(token, request, "")
    node = Node.objects.get(report_outcome="error")
    assert (node.report_log, node.reason) == ("c\ufffdd\ufffd", "data: a\ufffdb\ufffd")


@pytest.mark.django_db
def test_a_line_that_comes_with_other_words_is_refused_and_audited(token: str) -> None:
    broker.progress(token, {"lines": [line(1, "one")]}, "")
    assert refused(broker.progress, token, {"lines": [line(1, "two")]}) == "line_differs"
    assert [row.text for row in BootLine.objects.all()] == ["one"]


@pytest.mark.django_db
def test_after_the_report_nothing_new_is_taken(token: str) -> None:
    request = {"outcome": "ok", "log": "fine", "lines": [line(1, "one")]}
    broker.report(token, request, "")
    broker.report(token, request, "")  # the answer was lost
    broker.progress(token, {"lines": [line(1, "one")]}, "")  # so was this one's
    assert refused(broker.progress, token, {"lines": [line(2, "two")]}) == "token_spent"
    assert refused(broker.report, token, {**request, "outcome": "error"}) == "token_spent"
    assert refused(broker.report, token, {**request, "log": "other"}) == "token_spent"
    assert refused(broker.report, token, {**request, "lines": [line(2, "two")]}) == "token_spent"
    assert refused(broker.register, token, REGISTRATION) == "token_spent"
    assert refused(broker.peers, token, {}) == "token_spent"
    assert BootLine.objects.count() == 1


@pytest.mark.django_db
def test_a_node_cannot_fill_the_database(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boot_line_store, "MAX_LINES_PER_NODE", 3)
    broker.progress(token, {"lines": [line(1), line(2)]}, "")
    assert refused(broker.progress, token, {"lines": [line(3), line(4)]}) == "too_many_lines"
    monkeypatch.setattr(boot_line_store, "MAX_LINES_PER_NODE", 10)
    monkeypatch.setattr(boot_line_store, "MAX_CHARACTERS_PER_NODE", 5)
    assert refused(broker.progress, token, {"lines": [line(3, "sixsix")]}) == "too_many_lines"
    broker.progress(token, {"lines": [line(3, "fives")]}, "")
    request = {"outcome": "ok", "log": "", "lines": [line(4, "6")]}
    assert refused(broker.report, token, request) == "too_many_lines"
    assert BootLine.objects.count() == 3
