"""Where a node is, the provider says. What the node says of itself is only its host key's word."""

import pytest
from django.utils import timezone

from accounts.models import User
from jobs.control import claim, node_states
from jobs.models import Cluster, Node
from jobs.models.claims import ClaimLost
from jobs.providers.base import ObservedNode
from jobs.providers.simulated_answers import read_nodes
from jobs.states import Observed
from tests.jobs.making import cluster_of

pytestmark = pytest.mark.django_db
CLAIMED = ("192.0.2.99", 2222)  # by the node: another person's node, or a machine


@pytest.fixture
def held(alice: User) -> Cluster:
    """A cluster that this worker has claimed; its head node has registered with another address than its own."""
    cluster, _ = cluster_of(alice, Observed.BOOTING)
    Node.objects.filter(cluster=cluster).update(
        address=CLAIMED[0], port=CLAIMED[1], registered_at=timezone.now(), verified_at=None, state="booting"
    )
    found = claim.acquire(cluster.pk)
    assert found is not None
    return found


def sight(cluster: Cluster, **where: object) -> Node:
    """Save what the provider says of the head node, and return its row."""
    nodes = list(cluster.nodes.all())
    seen = read_nodes({"nodes": [{"name": "head", "state": "booting", **where}]})
    node_states.save_sightings(cluster, nodes, seen)
    row = Node.objects.get(cluster=cluster)
    assert (nodes[0].address, nodes[0].port) == (row.address, row.port), "the pass goes on with what is true"
    return row


def test_the_providers_word_is_taken_and_the_difference_told_once(held: Cluster) -> None:
    for _ in range(2):
        node = sight(held, address="127.20.0.9", port=32100)
        assert (node.address, node.port) == ("127.20.0.9", 32100)
    (event,) = held.job.events.filter(message__contains="by the provider's word")
    assert "head reported the address 192.0.2.99 port 2222" in event.message


def test_a_provider_that_does_not_know_changes_nothing(held: Cluster) -> None:
    assert (sight(held).address, Node.objects.get(cluster=held).port) == CLAIMED
    assert not held.job.events.filter(message__contains="provider's word").exists()


def test_a_node_that_has_not_registered_has_no_address(held: Cluster) -> None:
    Node.objects.filter(cluster=held).update(address=None, port=None, registered_at=None)
    assert sight(held, address="127.20.0.9", port=32100).address is None


def test_whoever_lost_the_claim_changes_nothing(held: Cluster) -> None:
    Cluster.objects.filter(pk=held.pk).update(claimed_by="another worker")
    with pytest.raises(ClaimLost):
        sight(held, address="127.20.0.9", port=32100)
    assert Node.objects.get(cluster=held).address == CLAIMED[0]


@pytest.mark.parametrize(
    "odd", [{"address": "", "port": 0}, {"address": None}, {"address": "127.20.0.9", "port": 70000}]
)
def test_what_is_no_address_is_none(odd: dict[str, object]) -> None:
    node = read_nodes({"nodes": [{"name": "head", "state": "running", **odd}]})["head"]
    assert not (node.address and node.port)
    assert isinstance(node, ObservedNode)
