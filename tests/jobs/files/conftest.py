"""A job whose run's folder is on a real OpenSSH server, and whose files are in storage before and afterwards."""

import getpass
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from jobs.files.node_channels import CHANNELS
from jobs.models import Cluster, Job, StoredFile
from jobs.states import Observed
from jobs.storage import file_names
from tests.factories import AccessRuleFactory, ClusterFactory, NodeFactory, token_of
from tests.sshgateway import sshd


@dataclass
class Run:
    """A job that runs. `work` is its folder on the node."""

    job: Job
    work: Path
    node: sshd.Node

    @property
    def cluster(self) -> Cluster:
        """Return its cluster as it is now."""
        return Cluster.objects.get(job=self.job)

    def move_to(self, state: Observed) -> None:
        """Put the cluster in another state."""
        Cluster.objects.filter(job=self.job).update(observed_state=state)

    def store(self, path: bytes, content: bytes) -> StoredFile:
        """Store an output file, as the collection does."""
        text, is_escaped = file_names.to_text(path)
        file = StoredFile(
            job=self.job,
            owner=self.job.owner,
            type_id=5,
            name=text.rpartition("/")[2],
            relative_path=text,
            is_escaped=is_escaped,
            size=len(content),
            sha512="ab" * 64,
        )
        file.file.save("x", ContentFile(content))
        return file


class Files:
    """The REST API of one job's files, for one person."""

    def __init__(self, person: User, job: Job) -> None:
        headers = {"Authorization": f"Token {token_of(person)}"}
        self.client = Client(headers=headers, raise_request_exception=False)
        self.base = f"/api/v2/jobs/{job.pk}"

    def ask(self, method: str, what: str, body: bytes | str = b"", **options: Any) -> Any:
        """Send a request. `path` and other words of the query come by name, headers as `headers`."""
        headers, content_type = options.pop("headers", {}), options.pop("content_type", "application/json")
        url = f"{self.base}/{what}/?{urlencode(options, doseq=True)}"
        return self.client.generic(method, url, body, content_type, headers=headers)

    def names(self, path: str = "") -> list[str]:
        """List a folder."""
        answer = self.ask("GET", "tree", path=path)
        assert answer.status_code == 200, answer.content
        return [entry["name"] for entry in answer.json()["entries"]]

    def read(self, path: str) -> bytes:
        """Download a file."""
        answer = self.ask("GET", "tree/content", path=path)
        assert answer.status_code == 200, answer.content
        return b"".join(answer.streaming_content)


@pytest.fixture
def node(transactional_db: None, tmp_path: Path) -> Iterator[sshd.Node]:
    """A real SSH server."""
    node = sshd.start(tmp_path / "node")
    yield node
    CHANNELS.close()
    node.stop()


@pytest.fixture
def run(
    node: sshd.Node, alice: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> Run:
    """A running job of alice, who allowed this machine's address."""
    work = tmp_path / "enc/work"
    (work / "shared").mkdir(parents=True)
    (work / "process_output.log").write_text("begun\n")
    settings.MEDIA_ROOT = str(tmp_path / "storage")
    monkeypatch.setattr(Job, "work_directory", str(work))
    monkeypatch.setattr(Job, "username", getpass.getuser())
    AccessRuleFactory.create(owner=alice, cidr="127.0.0.0/8")
    cluster = ClusterFactory.create(job__owner=alice)
    NodeFactory.create(cluster=cluster, address="127.0.0.1", port=node.port, host_keys=[node.host_key])
    return Run(cluster.job, work, node)


@pytest.fixture
def files(run: Run, alice: User) -> Files:
    """Alice's view of them."""
    return Files(alice, run.job)
