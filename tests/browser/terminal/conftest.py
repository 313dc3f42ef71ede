"""A job of alice's whose nodes are a real sshd, and a window with a terminal on it."""

import getpass
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from accounts.models import AccessRule, User
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
    """A running job of alice's whose head node is a real sshd.

    The only difference to a job on a cluster is the name of the account: sshd knows this process's user only.
    """
    AccessRule.objects.create(owner=alice, cidr="127.0.0.0/8")
    monkeypatch.setattr(Job, "username", getpass.getuser())
    job = JobFactory(owner=alice, name="Wing flow", submitted=True)
    NodeFactory(cluster=ClusterFactory(job=job), **reached_at(node))
    return job


def reached_at(node: sshd.Node) -> dict[str, Any]:
    """Return the fields of a node's row that lead to this sshd."""
    return {"address": "127.0.0.1", "port": node.port, "host_keys": [node.host_key]}


@pytest.fixture
def compute_node(job: Job, node: sshd.Node) -> Node:
    """A second node of the job; the same sshd answers for it."""
    made: Node = NodeFactory(
        cluster=Cluster.objects.get(job=job),
        name="compute-1",
        role=Node.Role.COMPUTE,
        **reached_at(node),
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
