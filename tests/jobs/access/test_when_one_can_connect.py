"""When a command to connect is given, and the sentence that stands in its place otherwise."""

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.refusals import Refused
from jobs.access import connect_guide, connection_info
from jobs.access.connect_guide import ConnectRequest
from jobs.models import Cluster, Node
from jobs.states import ENDING, Observed
from tests.factories import ClusterFactory, JobFactory, NodeFactory, public_key

pytestmark = pytest.mark.django_db
EARLY = (Observed.ABSENT, Observed.BOOTING)
OPEN = tuple(state for state in Observed if state not in (*EARLY, *ENDING))


@pytest.fixture
def cluster(alice: User) -> Cluster:
    """A running cluster with a head node."""
    found: Cluster = ClusterFactory.create(job=JobFactory.create(owner=alice, submitted=True))
    NodeFactory.create(cluster=found)
    return found


def put(cluster: Cluster, state: Observed, failure: str = "") -> Cluster:
    """Bring the row to a state, with or without a failure."""
    Cluster.objects.filter(pk=cluster.pk).update(observed_state=state, failure=failure)
    cluster.refresh_from_db()
    return cluster


def refusal_of(cluster: Cluster) -> str:
    """Return the reason why the guide is refused; empty if it is given."""
    try:
        connect_guide.connect_guide_of(cluster.job, ConnectRequest())
    except Refused as refused:
        return refused.reason
    return ""


@pytest.mark.parametrize("state", OPEN)
def test_on_a_cluster_that_is_up_both_are_given(cluster: Cluster, state: Observed) -> None:
    put(cluster, state)
    assert connection_info.why_no_command(cluster, has_key=True) == ""
    assert refusal_of(cluster) == ""


@pytest.mark.parametrize("state", EARLY)
def test_before_it_is_ready_neither_is(cluster: Cluster, state: Observed) -> None:
    put(cluster, state)
    assert "not ready yet" in connection_info.why_no_command(cluster, has_key=True)
    assert refusal_of(cluster) == "not_ready"


@pytest.mark.parametrize("state", ENDING)
def test_when_it_has_ended_neither_is(cluster: Cluster, state: Observed) -> None:
    put(cluster, state)
    assert connection_info.why_no_command(cluster, has_key=True) == "The cluster was terminated."
    assert refusal_of(cluster) == "cluster_gone"


@pytest.mark.parametrize("state", [state for state in OPEN if state != Observed.HELD])
def test_where_it_failed_neither_is(cluster: Cluster, state: Observed) -> None:
    put(cluster, state, failure="It broke.")
    assert connection_info.why_no_command(cluster, has_key=True) == "The cluster did not come up."
    assert refusal_of(cluster) == "not_ready"


def test_a_cluster_held_for_debugging_can_be_reached_although_it_failed(cluster: Cluster) -> None:
    put(cluster, Observed.HELD, failure="It broke.")
    assert connection_info.why_no_command(cluster, has_key=True) == ""
    assert refusal_of(cluster) == ""
    Node.objects.filter(cluster=cluster).update(state=Node.State.FAILED)
    assert "head node did not come up" in connection_info.why_no_command(cluster, has_key=True)


def test_a_saved_job_has_no_command() -> None:
    assert connection_info.why_no_command(None, has_key=True).startswith("Submit the job first")


def test_who_has_no_key_is_told_to_add_one(cluster: Cluster) -> None:
    assert "as soon as you have an SSH key" in connection_info.why_no_command(cluster, has_key=False)


def test_a_node_without_address_or_port_or_with_an_alarm_has_no_command(cluster: Cluster) -> None:
    node = cluster.nodes.get()
    assert node.address is not None
    assert node.address in connection_info.ssh_command(node)
    for change in ({"address": None}, {"port": None}, {"host_key_alarm_at": timezone.now()}):
        other = Node.objects.get(pk=node.pk)
        for name, value in change.items():
            setattr(other, name, value)
        assert connection_info.ssh_command(other) == ""


def test_known_hosts_has_a_line_for_each_key_without_its_comment(cluster: Cluster) -> None:
    node = cluster.nodes.get()
    keys = [public_key("root@somewhere"), public_key("a comment with spaces")]
    Node.objects.filter(pk=node.pk).update(host_keys=keys)
    names = f"job-{cluster.job_id.lower()}.headnode.local,[{node.address}]:{node.port}"
    assert connection_info.known_hosts_lines(cluster) == [
        f"{names} {' '.join(key.split()[:2])}" for key in keys
    ]


@pytest.mark.parametrize(
    "untrusted", [{"verified_at": None}, {"host_key_alarm_at": timezone.now()}], ids=["unverified", "alarm"]
)
def test_known_hosts_has_no_line_for_a_node_that_is_not_trusted(
    cluster: Cluster, untrusted: dict[str, object]
) -> None:
    """A node that was never verified may be anyone; one with an alarm may be someone else by now."""
    Node.objects.filter(cluster=cluster).update(host_keys=[public_key("")])
    assert len(connection_info.known_hosts_lines(cluster)) == 1
    Node.objects.filter(cluster=cluster).update(**untrusted)
    assert connection_info.known_hosts_lines(cluster) == []


@pytest.mark.parametrize(("verified", "ending"), [(False, "has not logged in with it yet."), (True, "UTC.")])
def test_where_host_keys_are_from(cluster: Cluster, verified: bool, ending: str) -> None:
    node = cluster.nodes.get()
    node.verified_at = timezone.now() if verified else None
    assert connection_info.provenance(node).endswith(ending)
    node.registered_at = None
    assert connection_info.provenance(node) == ""
