"""Writes of the loop: they count only while the claim is held and the row is as expected."""

import pytest

from accounts.models import User
from jobs.control import claim
from jobs.models import Cluster
from jobs.models.claims import ClaimLost, claimed_nodes, try_update_claimed, update_claimed
from tests.jobs.making import cluster_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(alice: User) -> Cluster:
    """A cluster that this worker has claimed."""
    found = claim.acquire(cluster_of(alice)[0].pk)
    assert found is not None
    return found


def failure_in_row(cluster: Cluster) -> str:
    return Cluster.objects.values_list("failure", flat=True).get(pk=cluster.pk)


def test_the_holder_writes_the_row_and_its_object(held: Cluster) -> None:
    update_claimed(held, failure="It broke.")
    assert (held.failure, failure_in_row(held)) == ("It broke.", "It broke.")


def test_whoever_lost_the_claim_writes_neither(held: Cluster) -> None:
    Cluster.objects.filter(pk=held.pk).update(claimed_by="another worker")
    assert try_update_claimed(held, failure="It broke.") is False
    with pytest.raises(ClaimLost):
        update_claimed(held, failure="It broke.")
    assert (held.failure, failure_in_row(held)) == ("", "")
    assert not claimed_nodes(held).exists()


def test_a_row_that_is_not_as_expected_stays(held: Cluster) -> None:
    assert claimed_nodes(held).exists()
    with pytest.raises(ClaimLost):
        update_claimed(held, only_if={"failure": "Something else."}, failure="It broke.")
    assert (held.failure, failure_in_row(held)) == ("", "")
