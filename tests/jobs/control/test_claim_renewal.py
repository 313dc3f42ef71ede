"""A claim is renewed in time, by its holder only, and never after it was lost."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from jobs.control import claim
from jobs.models import Cluster
from jobs.models.claims import ClaimLost
from tests.jobs.making import cluster_of
from tests.waiting import wait_for

SOON = timedelta(seconds=9)


@pytest.fixture
def held(alice: User) -> Cluster:
    """A cluster that this worker has claimed."""
    found = claim.acquire(cluster_of(alice)[0].pk)
    assert found is not None
    return found


def until(cluster: Cluster) -> datetime:
    """Return when the claim expires, by the row."""
    moment = Cluster.objects.values_list("claimed_until", flat=True).get(pk=cluster.pk)
    assert moment is not None
    return moment


def expire_at(cluster: Cluster, moment: datetime, holder: str = "") -> None:
    """Set the claim's end in the row and on the object; with `holder`, give it to another worker."""
    row = Cluster.objects.filter(pk=cluster.pk)
    row.update(claimed_until=moment, **({"claimed_by": holder} if holder else {}))
    cluster.claimed_until = moment


def is_full(moment: datetime | None) -> bool:
    """Return whether a claim until this moment has its whole time before it."""
    assert moment is not None
    return timedelta(seconds=19) < moment - timezone.now() <= timedelta(seconds=20)


@pytest.mark.django_db
def test_a_new_claim_and_a_renewed_one_last_20_seconds(held: Cluster) -> None:
    assert is_full(until(held))
    expire_at(held, timezone.now() + SOON)
    claim.renew(held)
    assert is_full(until(held))


@pytest.mark.django_db
def test_a_claim_that_expired_is_not_renewed_even_if_nobody_took_it(held: Cluster) -> None:
    """Another worker may be taking it in this moment."""
    past = timezone.now() - timedelta(milliseconds=1)
    expire_at(held, past)
    with pytest.raises(ClaimLost):
        claim.renew(held)
    with pytest.raises(ClaimLost):
        claim.renew_if_old(held)
    assert until(held) == past


@pytest.mark.django_db
def test_before_half_of_it_is_used_up_no_query_is_made(held: Cluster, django_assert_num_queries: Any) -> None:
    expire_at(held, timezone.now() + timedelta(seconds=12))
    with django_assert_num_queries(0):
        claim.renew_if_old(held)


@pytest.mark.django_db
def test_when_half_of_it_is_used_up_it_is_renewed_in_the_row_and_on_the_object(held: Cluster) -> None:
    expire_at(held, timezone.now() + timedelta(seconds=10))
    claim.renew_if_old(held)
    assert is_full(until(held))
    assert is_full(held.claimed_until)


@pytest.mark.django_db
def test_an_object_that_does_not_know_its_claim_asks(held: Cluster) -> None:
    expire_at(held, timezone.now() + SOON)
    held.claimed_until = None
    claim.renew_if_old(held)
    assert is_full(until(held))


@pytest.mark.django_db
def test_a_claim_that_another_took_is_noticed_at_half_time(held: Cluster) -> None:
    moment = timezone.now() + SOON
    expire_at(held, moment, "another worker")
    with pytest.raises(ClaimLost):
        claim.renew_if_old(held)
    assert until(held) == moment


# --- the thread that renews it during a long step


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Renewals come every 20 ms. No thread is left behind."""
    before = set(threading.enumerate())
    monkeypatch.setattr(claim, "RENEW_SECONDS", 0.02)
    yield
    assert set(threading.enumerate()) <= before


def renewing(before: set[threading.Thread]) -> bool:
    return bool(set(threading.enumerate()) - before)


def test_it_is_renewed_in_good_time() -> None:
    assert claim.CLAIM_DURATION.total_seconds() / 2 >= claim.RENEW_SECONDS


@pytest.mark.django_db(transaction=True)
def test_during_a_long_step_the_claim_is_renewed_again_and_again(held: Cluster, quick: None) -> None:
    with claim.keep_claimed(held):
        for _ in range(2):
            expire_at(held, timezone.now() + SOON)
            wait_for(lambda: is_full(until(held)), "the claim is renewed")


@pytest.mark.django_db(transaction=True)
def test_after_the_step_it_is_renewed_no_more(held: Cluster, quick: None) -> None:
    before = set(threading.enumerate())
    with pytest.raises(RuntimeError), claim.keep_claimed(held):
        assert renewing(before)
        raise RuntimeError("the step failed")
    assert not renewing(before)


@pytest.mark.django_db(transaction=True)
def test_a_claim_that_another_took_is_not_renewed_for_them(held: Cluster, quick: None) -> None:
    before = set(threading.enumerate())
    with claim.keep_claimed(held):
        moment = timezone.now() + SOON
        expire_at(held, moment, "another worker")
        wait_for(lambda: not renewing(before), "the thread gives up")
        assert until(held) == moment


@pytest.mark.django_db(transaction=True)
def test_a_step_that_is_stuck_loses_its_claim(
    held: Cluster, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim, "LONGEST_STEP", timedelta(seconds=0.1))
    before = set(threading.enumerate())
    with claim.keep_claimed(held):
        wait_for(lambda: not renewing(before), "the thread gives up")


@pytest.mark.django_db(transaction=True)
def test_a_database_that_fails_once_is_asked_again(
    held: Cluster, quick: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures = [DatabaseError("connection lost")]
    update = QuerySet.update

    def failing(query: QuerySet[Cluster], **fields: object) -> int:
        if threading.current_thread() is not threading.main_thread() and failures:
            raise failures.pop()
        return update(query, **fields)

    monkeypatch.setattr(QuerySet, "update", failing)
    with claim.keep_claimed(held):
        expire_at(held, timezone.now() + SOON)
        wait_for(lambda: is_full(until(held)), "the claim is renewed")
    assert "could not be renewed (connection lost)" in caplog.text
