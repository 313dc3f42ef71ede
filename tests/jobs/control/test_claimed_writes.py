"""Writes of the loop: they count only while the claim is held and the row is as expected."""

import pytest

from accounts.models import User
from jobs.control import checkpoint, claim, node_states
from jobs.models import Cluster
from jobs.models.claims import ClaimLost, claimed_nodes, try_update_claimed, update_claimed
from jobs.providers.base import ObservedNode
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


def test_a_failure_is_in_the_row_the_history_and_the_job_log(held: Cluster) -> None:
    checkpoint.fail(held, "It broke.")
    assert failure_in_row(held) == "It broke."
    status = held.statuses.latest("id")
    assert (status.status, status.reason) == ("Error", "It broke.")
    event = held.job.events.latest("sequence")
    assert (event.message, event.level, event.stage) == ("It broke.", "error", "Error")


@pytest.mark.parametrize(
    ("state", "reason", "message", "level"),
    [
        ("failed", "its image is broken", "head failed: its image is broken.", "error"),
        ("stopped", "", "head is stopped.", "info"),
    ],
)
def test_what_became_of_a_node_is_in_the_job_log(
    held: Cluster, state: str, reason: str, message: str, level: str
) -> None:
    node = held.nodes.get()
    Cluster.objects.filter(pk=held.pk).update(observed_state="booting")
    held.refresh_from_db()
    node_states.save_sightings(held, [node], {"head": ObservedNode("head", state=state, reason=reason)})
    node.refresh_from_db()
    assert (node.state, node.reason) == (state, reason)
    event = held.job.events.latest("sequence")
    assert (event.message, event.level, event.node, event.source) == (message, level, "head", "provider")
