"""A job of alice's whose nodes are a real sshd, and a window with a terminal on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from accounts.models import AccessRule, User
from jobs.access import node_access, session_subjects
from jobs.models import Cluster, Job, Node
from tests.browser.conftest import SignIn
from tests.factories import ClusterFactory, JobFactory, NodeFactory
from tests.sshgateway import sshd


@pytest.fixture
def node(transactional_db: None, tmp_path: Path) -> Iterator[sshd.Node]:
    running = sshd.start(tmp_path / "node")
    yield running
    running.stop()


@pytest.fixture
def job(alice: User, core_types: None, node: sshd.Node, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A running job of alice's whose head node is a real sshd."""
    AccessRule.objects.create(owner=alice, cidr="127.0.0.0/8")
    job = JobFactory(owner=alice, name="Wing flow", submitted=True)

    def target(row: Node) -> object:
        return node.target(subject=session_subjects.subject_of(job), node=row.name, label=f"{row.name} of Wing flow")

    monkeypatch.setattr(node_access, "node_target", target)
    NodeFactory(cluster=ClusterFactory(job=job), host_keys=[node.host_key])
    return job


@pytest.fixture
def compute_node(job: Job, node: sshd.Node) -> Node:
    """A second node of the job; the same sshd answers for it."""
    made: Node = NodeFactory(
        cluster=Cluster.objects.get(job=job),
        name="compute-1",
        role=Node.Role.COMPUTE,
        host_keys=[node.host_key],
    )
    return made


@pytest.fixture
def address(job: Job) -> str:
    """Where the job's terminals are."""
    return f"/jobs/{job.pk}/terminal/head/"


@pytest.fixture
def window(sign_in: SignIn, alice: User, address: str) -> Page:
    page = sign_in(alice)
    page.goto(address)
    return page
