"""Recordings: the shell's owner, the job's owner and administrators read them; nobody else finds one."""

import json
from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.models import AuditEvent, User
from jobs.access import session_subjects
from sshgateway.models import Recording
from sshgateway.models.recording import RecordingState
from sshgateway.recording.writer import OutputEvent, Writer
from tests.api import client_of
from tests.factories import JobFactory, TerminalSessionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def recording(alice: User, bob: User, settings: Settings, tmp_path: Path) -> Recording:
    """Of a shell of bob's in a job of alice's."""
    settings.MEDIA_ROOT = tmp_path
    job = JobFactory(owner=alice, name="Wing flow")
    session = TerminalSessionFactory(
        owner=bob, subject=session_subjects.subject_of(job), label="head of Wing flow"
    )
    writer = Writer(session, 1_000_000)
    writer.enqueue([OutputEvent(0.5, b"hello "), OutputEvent(1.0, "grüße\r\n".encode())])
    writer.finish(RecordingState.COMPLETE)
    return Recording.objects.get()


def cast(recording: Recording) -> str:
    return f"/api/v2/recordings/{recording.pk}/cast/"


def test_the_shells_owner_reads_it_and_that_is_no_news(bob: User, recording: Recording) -> None:
    answer = client_of(bob).get(cast(recording))
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/x-asciicast"
    assert "attachment" in answer["Content-Disposition"]
    header, *events = [json.loads(line) for line in answer.content.decode().splitlines()]
    assert (header["version"], header["title"]) == (2, "head of Wing flow")
    assert events == [[0.5, "o", "hello "], [1.0, "o", "grüße\r\n"]]
    assert not AuditEvent.objects.filter(action="sshgateway:recording:watched").exists()


def test_the_jobs_owner_and_administrators_read_it_and_that_is_written_down(
    alice: User, charlie: User, recording: Recording
) -> None:
    charlie.is_superuser = True
    charlie.save()
    for user in (alice, charlie):
        assert client_of(user).get(cast(recording)).status_code == 200
        event = AuditEvent.objects.filter(action="sshgateway:recording:watched").latest("id")
        assert (event.actor_name, event.owner_name, event.after["name"]) == (
            user.get_username(),
            "bob",
            "head of Wing flow",
        )


def test_nobody_else_finds_it(charlie: User, recording: Recording) -> None:
    client = client_of(charlie)
    assert client.get(cast(recording)).status_code == 404
    assert client.get(f"/api/v2/recordings/{recording.pk}/").status_code == 404
    assert client.get("/api/v2/recordings/none/cast/").status_code == 404
    assert not AuditEvent.objects.filter(action="sshgateway:recording:watched").exists()


def test_its_facts(bob: User, recording: Recording) -> None:
    facts = client_of(bob).get(f"/api/v2/recordings/{recording.pk}/").json()
    assert (facts["state"], facts["owner"], facts["seconds"], facts["missing"]) == ("complete", "bob", 1.0, 0)
    listed = client_of(bob).get("/api/v2/terminal-sessions/").json()["results"]
    assert [one["recording"] for one in listed] == [recording.pk]


def test_a_deleted_one_says_so(bob: User, recording: Recording) -> None:
    Recording.objects.update(deleted_at="2026-01-01T00:00:00Z")
    answer = client_of(bob).get(cast(recording))
    assert (answer.status_code, answer.json()["reason"]) == (404, "recording_deleted")


def test_a_chunk_that_is_gone_is_no_500(bob: User, recording: Recording, settings: Settings) -> None:
    (Path(settings.MEDIA_ROOT) / recording.chunk_name(0)).unlink()
    answer = client_of(bob).get(cast(recording))
    assert (answer.status_code, answer.json()["reason"]) == (404, "recording_gone")


def test_cut_short_where_the_gateway_was_lost(bob: User, recording: Recording) -> None:
    Recording.objects.update(ended_at=None, end_reason="")
    assert client_of(bob).get(f"/api/v2/recordings/{recording.pk}/").json()["state"] == "growing"
    recording.session.ended_at = recording.started_at
    recording.session.save()
    assert client_of(bob).get(f"/api/v2/recordings/{recording.pk}/").json()["state"] == "cut_short"
