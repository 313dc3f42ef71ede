"""The chain of the audit trail: the hash covers everything stored, and two writers at once make one chain."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.audit.trail import SYSTEM, Actor, digest, record
from accounts.models import AuditChain, AuditEvent, User
from jobs.events.audit_actions import JobsAuditAction
from tests.interleaving import Rival, before_query

# Another value for each field that the hash covers.
OTHER: dict[str, Any] = {
    "at": timezone.now() - timedelta(days=1),
    "actor_name": "mallory",
    "owner_name": "mallory",
    "action": "jobs:job:created",
    "object_type": "cluster",
    "object_id": "Zz99zz",
    "source_address": "198.51.100.1",
    "via": "page",
    "before": {"command": "rm -rf /"},
    "after": {"command": "rm -rf /"},
    "previous_hash": "0" * 64,
}
# A deleted user leaves the two keys null, and `hash` is the digest itself.
NOT_COVERED = {"id", "actor", "owner", "hash"}


def stopped(number: object, user: User | None = None) -> AuditEvent:
    return record(
        Actor(user, "192.0.2.7", "api"),
        JobsAuditAction.JOB_STOPPED,
        "job",
        number,
        owner=user,
        before={"command": "hostname"},
        after={"command": "hostname -f"},
    )


def test_every_stored_field_is_covered_or_named_here() -> None:
    assert {field.name for field in AuditEvent._meta.concrete_fields} == set(OTHER) | NOT_COVERED


@pytest.mark.django_db
@pytest.mark.parametrize("field", OTHER)
def test_a_stored_field_that_is_changed_gives_another_hash(alice: User, field: str) -> None:
    stopped("Zz00zz", alice)
    event = AuditEvent.objects.get(pk=stopped("Ab12cd", alice).pk)
    assert digest(event) == event.hash, "as read back, it is what was recorded"
    assert getattr(event, field) != OTHER[field]
    setattr(event, field, OTHER[field])
    assert digest(event) != event.hash


@pytest.mark.django_db
def test_an_unknown_address_is_hashed_as_it_is_read_back() -> None:
    event = record(Actor(None, "", "page"), JobsAuditAction.JOB_STOPPED, "job", "Ab12cd")
    assert digest(AuditEvent.objects.get(pk=event.pk)) == event.hash


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_another_writer_waits_until_the_event_is_in_the_chain() -> None:
    """The rival begins after this thread has read the head of the chain, and before it has appended to it."""
    record(SYSTEM, JobsAuditAction.JOB_STOPPED, "job", "first")
    rival = Rival(lambda: stopped("rival"))
    with before_query(lambda sql: 'INSERT INTO "accounts_auditevent"' in sql, rival.start) as happened:
        stopped("mine")
    rival.finish()
    assert happened
    events = list(AuditEvent.objects.order_by("id"))
    assert [event.object_id for event in events] == ["first", "mine", "rival"]
    assert [event.previous_hash for event in events] == ["", events[0].hash, events[1].hash]
    assert AuditChain.objects.get().head == events[-1].hash
