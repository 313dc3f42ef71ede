"""Followers and workers are told after the commit, and only then; a page of events is bounded."""

import pytest
from django.db import transaction

from accounts.models import User
from jobs.events import job_log, wakeups
from jobs.models import Cluster, JobEvent
from jobs.states import LogSource, Observed
from tests.jobs.making import cluster_of, saved_job


class Undone(Exception):
    """The transaction is rolled back."""


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The jobs whose followers were told, in order."""
    found: list[str] = []
    monkeypatch.setattr(job_log, "_send", found.append)
    return found


@pytest.mark.django_db(transaction=True)
def test_followers_are_told_after_the_commit(alice: User, told: list[str]) -> None:
    job = saved_job(alice)
    told.clear()
    with transaction.atomic():
        job_log.append(job, LogSource.PORTAL, "x")
        assert told == [], "a follower who reads now would not find it"
    assert told == [job.pk]


@pytest.mark.django_db(transaction=True)
def test_nobody_is_told_of_what_was_rolled_back(alice: User, told: list[str]) -> None:
    job = saved_job(alice)
    told.clear()
    with pytest.raises(Undone), transaction.atomic():
        job_log.append(job, LogSource.PORTAL, "x")
        job_log.notify(job.pk)
        raise Undone
    assert told == []


@pytest.mark.django_db(transaction=True)
def test_no_event_means_no_notice(alice: User, told: list[str]) -> None:
    job = saved_job(alice)
    told.clear()
    assert job_log.append_all(job, []) == []
    assert told == []


@pytest.mark.django_db(transaction=True)
def test_a_worker_is_sent_a_message_after_the_commit_only(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster, _ = cluster_of(alice, Observed.EXECUTING)
    sent: list[tuple[str, str]] = []
    monkeypatch.setattr(wakeups, "_send_task", lambda task, key, **_: sent.append((task, key)))
    with pytest.raises(Undone), transaction.atomic():
        wakeups.wake(cluster.pk)
        raise Undone
    assert sent == []
    with transaction.atomic():
        wakeups.wake(cluster.pk)
        assert sent == [], "a worker who looks now would not see the change"
    assert sent == [("jobs.reconcile", cluster.pk)]
    assert Cluster.objects.get(pk=cluster.pk).wakeups == cluster.wakeups + 1


@pytest.mark.django_db
@pytest.mark.parametrize(("limit", "count"), [(1, 1), (1000, 1000), (1001, 1000), (10**9, 1000)])
def test_a_page_has_1000_events_at_most(alice: User, limit: int, count: int) -> None:
    job = saved_job(alice)
    JobEvent.objects.bulk_create(
        JobEvent(job=job, sequence=number, source="portal", message="x") for number in range(1, 1003)
    )
    assert [event.sequence for event in job_log.read_page(job, limit=limit)] == list(range(1, count + 1))


@pytest.mark.django_db
def test_a_page_has_1000_events_if_nobody_says_how_many(alice: User) -> None:
    job = saved_job(alice)
    JobEvent.objects.bulk_create(
        JobEvent(job=job, sequence=number, source="portal", message="x") for number in range(1, 1003)
    )
    assert len(job_log.read_page(job)) == 1000
