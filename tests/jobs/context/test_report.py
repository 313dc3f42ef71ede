"""The report of how nodes came up: stored once before anything goes, whoever is killed; for its owner only."""

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage, default_storage
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from jobs.context import broker, report_store
from jobs.context.context_report import ClusterReport, NodeReport
from jobs.context.tokens import token_of
from jobs.control import checkpoint, controller, incomplete_boot
from jobs.models import Cluster, Node
from jobs.node_contract.boot_lines import BootStreamLine, PhaseMark
from jobs.providers.base import Provider
from jobs.states import Observed
from jobs.submission import job_actions
from tests.api import client_of
from tests.fakes import providers as fakes
from tests.jobs.context.test_broker import REGISTRATION
from tests.jobs.making import actor, cluster_of, saved_job

T0 = datetime(2026, 1, 1, tzinfo=UTC)
NODE = NodeReport(
    "compute-1",
    "compute",
    "emerald",
    2,
    "failed",
    "context_failed",
    "error",
    fingerprints=("SHA256:abc",),
    lines=(
        BootStreamLine(1, T0, "data", PhaseMark.START, "started"),
        BootStreamLine(2, T0, "data", PhaseMark.NOTE, "copying\nno room"),
        BootStreamLine(3, T0 + timedelta(seconds=1.5), "data", PhaseMark.ERROR, "exit status 28: no room"),
    ),
    log="all of it\n",
)
REPORT = ClusterReport(
    "Ab12cd",
    "cavity",
    "Xy34zz",
    "Error",
    "compute-1 reported an error.",
    {"on_error": "hold", "at_least_percent": 80, "hold_hours": 4},
    T0,
    None,
    None,
    [NodeReport("head", "head", "emerald", 2, "running", outcome="ok"), NODE],
)


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    """Storage of the test's own."""
    settings.MEDIA_ROOT = tmp_path / "files"
    return tmp_path / "files"


def stored(media: Path) -> list[Path]:
    return [path for path in media.rglob("*") if path.is_file()]


def test_the_bundle_has_a_summary_twice_and_a_text_for_each_node() -> None:
    with zipfile.ZipFile(io.BytesIO(REPORT.as_zip())) as found:
        files = {name.partition("/")[2]: found.read(name).decode() for name in found.namelist()}
        assert {name.partition("/")[0] for name in found.namelist()} == {"context-report-Ab12cd"}
    assert sorted(files) == ["nodes/compute-1.txt", "nodes/head.txt", "summary.json", "summary.txt"]
    summary = json.loads(files["summary.json"])
    assert (summary["outcome"], summary["policy"]["onError"]) == ("error", "hold")
    (data,) = [phase for phase in summary["nodes"][1]["phases"] if phase["name"] == "data"]
    assert data == {
        "name": "data",
        "state": "error",
        "startedAt": "2026-01-01T00:00:00Z",
        "endedAt": "2026-01-01T00:00:01.500000Z",
        "seconds": 1.5,
        "said": "exit status 28: no room",
    }
    assert "compute-1 reported an error." in files["summary.txt"]
    assert "exit status 28: no room" in files["summary.txt"]
    assert "all of it" in files["nodes/compute-1.txt"]
    assert "SHA256:abc" in files["nodes/compute-1.txt"]
    assert "1.500 s" in files["nodes/compute-1.txt"]


def test_the_same_facts_give_the_same_bytes() -> None:
    assert REPORT.as_zip() == REPORT.as_zip()


def test_of_a_node_that_never_reported_what_it_said_is_kept() -> None:
    silent = NodeReport("head", "head", "emerald", 1, "booting", lines=NODE.lines)
    assert "[2026-01-01T00:00:00.000Z] data: copying\nno room" in silent.as_text()


def test_outcomes() -> None:
    def outcome(*nodes: NodeReport, failure: str = "") -> str:
        return ClusterReport("j", "n", "c", "", failure, {}, None, None, None, nodes).outcome

    good = NodeReport("head", "head", "emerald", 1, "running", outcome="ok")
    bad = NodeReport("compute-1", "compute", "emerald", 1, "failed", outcome="error", left_out=True)
    coming = NodeReport("compute-2", "compute", "emerald", 1, "booting")
    assert outcome(good) == "ok"
    assert outcome(good, bad) == "ok"
    assert outcome(good, coming) == "booting"
    assert outcome() == "booting"
    assert outcome(good, failure="It broke.") == "error"


def booting(alice: User, **change: Any) -> tuple[Cluster, Node]:
    """A cluster whose only node failed its data phase and reported so."""
    cluster, (node, *_) = cluster_of(alice, **change)
    token = token_of(cluster.pk, node.name)
    broker.register(token, REGISTRATION, "")
    error_line = {
        "sequence": 1,
        "at": T0.isoformat(),
        "phase": "data",
        "mark": "error",
        "text": "exit status 28",
    }
    broker.report(token, {"outcome": "error", "log": "whole log\n", "lines": [error_line]}, "")
    return cluster, node


def turn(cluster: Cluster, provider: Provider) -> Cluster:
    Cluster.objects.filter(pk=cluster.pk).update(
        next_check_at=timezone.now(), claimed_until=None, claimed_by=""
    )
    controller.reconcile(cluster.pk, lambda name: provider)
    return Cluster.objects.get(pk=cluster.pk)


def turn_until_released(cluster: Cluster, provider: Provider) -> Cluster:
    """Make as many passes as it takes, at most five."""
    for _ in range(5):
        cluster = turn(cluster, provider)
        if cluster.observed_state == Observed.RELEASED:
            return cluster
    pytest.fail(f"The cluster is still {cluster.observed_state}.")


@pytest.fixture
def provider() -> Provider:
    fake = fakes.ProviderWhoseNodesNeverReport()
    fake.there = {"head": "booting"}
    return fake


@pytest.mark.django_db
def test_it_is_stored_before_anything_goes(
    alice: User, provider: fakes.ProviderWhoseNodesNeverReport, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster, _ = booting(alice)
    seen: list[int] = []
    release = provider.release

    def release_and_count(state: dict[str, Any], message: str = "") -> None:
        seen.append(len(stored(media)))
        release(state, message)

    monkeypatch.setattr(provider, "release", release_and_count)
    cluster = turn_until_released(cluster, provider)
    assert seen[0] == 1
    with default_storage.open(cluster.context_report) as file, zipfile.ZipFile(file) as found:
        assert "whole log" in found.read(f"context-report-{cluster.job_id}/nodes/head.txt").decode()
    story = [event.message for event in cluster.job.events.all()]
    assert story.index("Stored the report of how the nodes came up.") < story.index(
        "Shutting the cluster down."
    )


class _KilledError(BaseException):
    """As kill -9: nothing catches it."""


@pytest.mark.django_db
@pytest.mark.parametrize("after", ["half a file", "the file", "the row"])
def test_killed_in_between_it_is_stored_once(
    alice: User,
    provider: fakes.ProviderWhoseNodesNeverReport,
    media: Path,
    monkeypatch: pytest.MonkeyPatch,
    after: str,
) -> None:
    cluster, _ = booting(alice)
    write = report_store.write_report

    def killed(found: Cluster) -> str:
        stored_path = write(found)
        if after == "half a file":
            path = Path(default_storage.path(stored_path))
            path.write_bytes(path.read_bytes()[:50])
        raise _KilledError

    def killed_later(*arguments: Any) -> Any:
        raise _KilledError

    with monkeypatch.context() as patch:
        if after == "the row":
            patch.setattr(checkpoint, "fail", killed_later)
        else:
            patch.setattr(report_store, "write_report", killed)
        with pytest.raises(_KilledError):
            turn(cluster, provider)
    assert len(stored(media)) == 1
    cluster = turn_until_released(cluster, provider)
    (path,) = stored(media)
    with zipfile.ZipFile(path) as found:
        assert found.testzip() is None
    messages = [event.message for event in cluster.job.events.all()]
    assert messages.count("Stored the report of how the nodes came up.") == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "failure", [OSError(28, "No space left on device"), RuntimeError("what an object store's client raises")]
)
def test_a_storage_that_takes_nothing_does_not_keep_the_cluster(
    alice: User,
    provider: fakes.ProviderWhoseNodesNeverReport,
    monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
) -> None:
    def full(*arguments: Any, **more: Any) -> str:
        raise failure

    monkeypatch.setattr(FileSystemStorage, "_save", full)
    cluster, _ = booting(alice)
    for _ in range(incomplete_boot.REPORT_TRIES):
        cluster = turn(cluster, provider)
        assert cluster.observed_state == Observed.BOOTING
        assert provider.released == 0
    cluster = turn_until_released(cluster, provider)
    assert "could not be stored" in "\n".join(event.message for event in cluster.job.events.all())
    assert report_store.report_zip(cluster)  # made from what is known


@pytest.mark.django_db
def test_it_goes_with_the_job(
    alice: User,
    provider: fakes.ProviderWhoseNodesNeverReport,
    media: Path,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    cluster, _ = booting(alice)
    cluster = turn_until_released(cluster, provider)
    assert len(stored(media)) == 1
    with django_capture_on_commit_callbacks(execute=True):
        job_actions.delete_job(actor(alice), cluster.job)
    assert stored(media) == []


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["context/", "context-report/"])
def test_its_owner_may_and_nobody_else(alice: User, bob: User, charlie: User, path: str) -> None:
    cluster, _ = booting(alice)
    url = f"/api/v2/jobs/{cluster.job_id}/{path}"
    assert client_of(alice).get(url).status_code == 200
    for other in (bob, charlie):
        assert client_of(other).get(url).status_code == 404
    assert Client().get(url).status_code in (401, 403)


@pytest.mark.django_db
def test_a_job_without_a_cluster_has_none(alice: User) -> None:
    answer = client_of(alice).get(f"/api/v2/jobs/{saved_job(alice).pk}/context-report/")
    assert answer.status_code == 409
    assert "was not submitted" in answer.json()["detail"]


@pytest.mark.django_db
def test_a_report_that_storage_lost_is_said_to_be_lost(alice: User) -> None:
    cluster, _ = booting(alice)
    Cluster.objects.filter(pk=cluster.pk).update(context_report="context-reports/gone.zip")
    answer = client_of(alice).get(f"/api/v2/jobs/{cluster.job_id}/context-report/")
    assert (answer.status_code, answer.json()["detail"]) == (404, "The report is not in storage any more.")
