"""A terminal on a job's node is for those who may see the job: another's job is as if it did not exist."""

import pytest

from accounts.models import AccessRule, User
from accounts.refusals import Refused
from jobs.access import node_access, session_subjects
from jobs.models import Node
from tests.factories import ClusterFactory, JobFactory, NodeFactory, TerminalSessionFactory

pytestmark = pytest.mark.django_db
ADDRESS = "192.0.2.7"


@pytest.fixture
def node(alice: User, bob: User) -> object:
    """The head node of a running cluster of alice's; the rules of both let this address in."""
    for person in (alice, bob):
        AccessRule.objects.create(owner=person, cidr="192.0.2.0/24")
    return NodeFactory.create(
        cluster=ClusterFactory.create(job=JobFactory.create(owner=alice, submitted=True))
    )


def test_the_owner_gets_the_target(alice: User, node: Node) -> None:
    job = node.cluster.job
    target = node_access.terminal_target(alice, job, "head", ADDRESS)
    assert (target.address, target.principal) == (node.address, job.username)


@pytest.mark.parametrize("name", ["head", "compute-9"])
def test_another_person_is_told_that_there_is_no_such_job(bob: User, node: Node, name: str) -> None:
    """Whether the node exists is not told either."""
    with pytest.raises(Refused) as refusal:
        node_access.terminal_target(bob, node.cluster.job, name, ADDRESS)
    assert (refusal.value.reason, refusal.value.status) == ("not_found", 404)
    assert refusal.value.message == "There is no such job."


def test_another_person_may_not_use_a_session_about_the_job(alice: User, bob: User, node: Node) -> None:
    session = TerminalSessionFactory.create(
        owner=bob, subject=session_subjects.subject_of(node.cluster.job), source_address=ADDRESS
    )
    with pytest.raises(Refused) as refusal:
        node_access.check_job_terminal(session, bob, ADDRESS)
    assert refusal.value.reason == "not_found"
    node_access.check_job_terminal(session, alice, ADDRESS)
