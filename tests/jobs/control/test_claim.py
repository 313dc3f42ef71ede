"""The claim on a cluster's row: one holder at a time, it expires, and no wakeup is missed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from jobs.control import checkpoint, claim
from jobs.events import wakeups
from jobs.models import Cluster
from jobs.models.claims import ClaimLost
from jobs.states import Observed
from tests.jobs.making import cluster_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster(alice: User) -> Cluster:
    return cluster_of(alice)[0]


def test_one_takes_it_and_nobody_else(cluster: Cluster) -> None:
    assert claim.acquire(cluster.pk) is not None
    assert claim.acquire(cluster.pk) is None


def test_a_claim_expires_with_its_holder(cluster: Cluster) -> None:
    first = claim.acquire(cluster.pk)
    assert first is not None
    Cluster.objects.filter(pk=cluster.pk).update(
        claimed_until=timezone.now() - timedelta(seconds=1), claimed_by="somebody killed"
    )
    assert claim.acquire(cluster.pk) is not None


def test_who_lost_the_claim_saves_nothing(cluster: Cluster) -> None:
    held = claim.acquire(cluster.pk)
    assert held is not None
    Cluster.objects.filter(pk=cluster.pk).update(claimed_by="another worker")
    with pytest.raises(ClaimLost):
        checkpoint.advance(held, Observed.READY)
    with pytest.raises(ClaimLost):
        checkpoint.fail(held, "It broke.")
    with pytest.raises(ClaimLost):
        claim.renew(held)
    assert claim.release(held, timedelta()) is False
    cluster.refresh_from_db()
    assert (cluster.observed_state, cluster.failure, cluster.claimed_by) == ("booting", "", "another worker")


def test_a_cluster_that_is_not_due_is_left_alone(cluster: Cluster) -> None:
    held = claim.acquire(cluster.pk)
    assert held is not None
    assert claim.release(held, timedelta(minutes=5)) is False
    assert claim.acquire(cluster.pk) is None
    wakeups.wake(cluster.pk)
    assert claim.acquire(cluster.pk) is not None


def test_a_wakeup_during_the_pass_makes_it_due_again(cluster: Cluster) -> None:
    held = claim.acquire(cluster.pk)
    assert held is not None
    wakeups.wake(cluster.pk)
    assert claim.release(held, timedelta(minutes=5)) is True
    assert claim.acquire(cluster.pk) is not None


def test_a_life_that_is_over_is_never_due(cluster: Cluster) -> None:
    held = claim.acquire(cluster.pk)
    assert held is not None
    claim.release(held, None)
    cluster.refresh_from_db()
    assert cluster.next_check_at is None
