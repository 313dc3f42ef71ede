"""The machines of a job over the REST API: where they are and how they prove themselves."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from jobs.models import Cluster, Job, Node
from tests.api import client_of
from tests.factories import ClusterFactory, JobFactory, NodeFactory

pytestmark = pytest.mark.django_db


def _get(user: User, job: Job, path: str = "instances/") -> Any:
    return client_of(user).get(f"/api/v2/jobs/{job.pk}/{path}")


@pytest.fixture
def cluster(alice: User) -> Cluster:
    cluster: Cluster = ClusterFactory.create(job__owner=alice)
    NodeFactory.create(cluster=cluster, name="compute-1")
    NodeFactory.create(cluster=cluster, name="head", address="127.20.9.9")
    return cluster


def test_a_job_without_cluster_has_none(alice: User) -> None:
    job = JobFactory.create(owner=alice)

    assert _get(alice, job).json() == {"count": 0, "next": None, "previous": None, "results": []}
    assert _get(alice, job, "connection_details/").json() == {"connectionDetails": []}
    assert _get(alice, job, "known-hosts/").content == b""


def test_the_head_comes_first_with_all_one_needs_to_log_in(alice: User, cluster: Cluster) -> None:
    head, compute = _get(alice, cluster.job).json()["results"]

    username = f"uprod_{cluster.job_id}"
    assert (head["role"], compute["role"]) == ("MPI_MASTER", "MPI_SLAVE")
    assert (head["name"], compute["name"]) == ("head", "compute-1")
    assert (head["publicIp"], head["sshPort"], head["username"]) == ("127.20.9.9", 32100, username)
    assert head["clusterId"] == cluster.pk
    assert head["status"] == "running"
    assert head["sshCommand"] == f"ssh -p 32100 {username}@127.20.9.9"


def test_a_node_is_running_once_the_portal_has_logged_in(alice: User, cluster: Cluster) -> None:
    Node.objects.filter(name="head").update(verified_at=None)
    head = _get(alice, cluster.job).json()["results"][0]

    assert (head["status"], head["sshCommand"]) == ("booting", "")
    assert [
        row["host"] for row in _get(alice, cluster.job, "connection_details/").json()["connectionDetails"]
    ] == [cluster.nodes.get(name="compute-1").address]


def test_a_node_without_address_is_not_told(alice: User, cluster: Cluster) -> None:
    Node.objects.filter(name="compute-1").update(address=None, port=None)

    assert [node["name"] for node in _get(alice, cluster.job).json()["results"]] == ["head"]


def test_fingerprints_are_those_of_ssh_keygen(alice: User, cluster: Cluster, tmp_path: Path) -> None:
    [key] = _get(alice, cluster.job).json()["results"][0]["hostKeys"]
    (tmp_path / "key.pub").write_text(key["publicKey"] + "\n")
    printed = subprocess.check_output(["ssh-keygen", "-l", "-f", str(tmp_path / "key.pub")], text=True)

    assert key["type"] == "ssh-ed25519"
    assert printed.split()[1] == key["fingerprint"]


def test_ssh_keygen_finds_the_nodes_in_the_known_hosts(alice: User, cluster: Cluster, tmp_path: Path) -> None:
    answer = _get(alice, cluster.job, "known-hosts/")
    (tmp_path / "known_hosts").write_bytes(answer.content)

    assert answer["Content-Type"].startswith("text/plain")
    for name in ("[127.20.9.9]:32100", f"job-{cluster.job_id.lower()}.headnode.local"):
        command = ["ssh-keygen", "-F", name, "-f", str(tmp_path / "known_hosts")]
        assert "ssh-ed25519" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_authorities_are_keys_ssh_keygen_reads(alice: User, tmp_path: Path) -> None:
    client = client_of(alice)
    host = client.get("/api/v2/host-authority/", headers={"Accept": "text/plain"}).content.decode()
    user = client.get("/api/v2/user-authority/").content.decode()

    marker, patterns, kind, key = host.split()[:4]
    assert (marker, kind) == ("@cert-authority", "ssh-ed25519")
    assert "*.headnode.local" in patterns.split(",")
    (tmp_path / "ca.pub").write_text(user)
    subprocess.run(["ssh-keygen", "-l", "-f", str(tmp_path / "ca.pub")], check=True, capture_output=True)
    assert key != user.split()[1]
