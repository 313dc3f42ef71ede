"""The Job Log never says that a node is booting after the node itself has reported."""

import pytest
from django.utils import timezone

from accounts.models import User
from jobs.control import claim, node_states
from jobs.models import Cluster, JobEvent, Node
from jobs.providers.base import ObservedNode
from tests.jobs.making import cluster_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(alice: User) -> Cluster:
    """A booting cluster of two nodes that this worker has claimed."""
    found = claim.acquire(cluster_of(alice, slots=2)[0].pk)
    assert found is not None
    return found


def messages(cluster: Cluster) -> list[str]:
    return list(JobEvent.objects.filter(job=cluster.job).values_list("message", flat=True))


def test_only_a_node_that_has_not_reported_is_said_to_be_booting(held: Cluster) -> None:
    nodes = list(held.nodes.order_by("pk"))
    Node.objects.filter(pk=nodes[0].pk).update(registered_at=timezone.now())  # after the pass read its rows
    seen = {node.name: ObservedNode(node.name, "booting", "") for node in nodes}
    node_states.save_sightings(held, nodes, seen)
    assert f"{nodes[0].name} is booting." not in messages(held)
    assert f"{nodes[1].name} is booting." in messages(held)
    assert {node.state for node in held.nodes.all()} == {"booting"}


def test_a_failed_node_has_its_reason_with_one_full_stop(held: Cluster) -> None:
    nodes = list(held.nodes.order_by("pk"))
    seen = {node.name: ObservedNode(node.name, "failed", "it lost power.") for node in nodes}
    node_states.save_sightings(held, nodes, seen)
    assert f"{nodes[0].name} failed: it lost power." in messages(held)
