"""Pages about terminals: lists, replay, live terminals, what is recorded. Who may open which, and what they say."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from jobs.access import session_subjects
from jobs.models import Job
from sshgateway.models import Recording, RecordingRule, TerminalSession, TerminalShare, TerminalVisit
from sshgateway.models.recording import RecordingState
from sshgateway.recording.writer import OutputEvent, Writer
from sshgateway.sessions import session_actions
from tests.factories import ClusterFactory, JobFactory, NodeFactory, TerminalSessionFactory

pytestmark = pytest.mark.django_db
NOT_RECORDED = "SSH connections from your computer (ssh, sftp, scp, rsync, forwarded ports) are not recorded"


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def root(charlie: User) -> User:
    charlie.is_superuser = True
    charlie.save()
    return charlie


@pytest.fixture
def job(alice: User) -> Job:
    return JobFactory(owner=alice, name="Wing flow", submitted=True)


def session_of(owner: User, job: Any, **fields: Any) -> TerminalSession:
    return TerminalSessionFactory(
        owner=owner,
        subject=session_subjects.subject_of(job),
        label="head of Wing flow",
        attached_at=timezone.now(),
        **fields,
    )


@pytest.fixture
def recording(alice: User, job: Job, settings: Settings, tmp_path: Path) -> Recording:
    settings.MEDIA_ROOT = tmp_path
    session = session_of(alice, job, ended_at=timezone.now(), end_reason="exited", exit_status=3)
    writer = Writer(session, 1_000_000)
    writer.enqueue([OutputEvent(0.5, b"hello")])
    writer.finish(RecordingState.COMPLETE)
    return Recording.objects.get()


def test_the_job_page_lists_terminals_with_end_and_recording(
    alice: User, job: Job, recording: Recording
) -> None:
    session_of(alice, job, source_address="192.0.2.7")
    text = browser(alice).get(f"/jobs/{job.pk}/").content.decode()
    panel = text[text.index('id="job-terminal-sessions"') :].partition("</section>")[0]
    for words in (
        "The shell ended with exit status 3.",
        "Recorded",
        "Not recorded",
        "Open",
        "from 192.0.2.7",
    ):
        assert words in panel
    assert f"/recordings/{recording.pk}/" in panel
    assert NOT_RECORDED in panel
    assert all(str(session.pk) not in text for session in TerminalSession.objects.all())


def test_the_connect_dialog_says_what_is_not_recorded(alice: User, job: Job) -> None:
    NodeFactory(cluster=ClusterFactory(job=job))
    text = browser(alice).get(f"/jobs/{job.pk}/connect/").content.decode()
    assert NOT_RECORDED in text


def test_the_list_of_terminals_and_its_empty_state(alice: User, bob: User, job: Job) -> None:
    empty = browser(bob).get("/terminals/").content.decode()
    assert "Nothing at the moment." in empty
    assert "You have not opened a terminal yet." in empty
    session = session_of(alice, job)
    TerminalShare.objects.create(session=session, person=bob, may_type=True)
    shared = browser(bob).get("/terminals/").content.decode()
    assert "alice's terminal" in shared
    assert "You may type" in shared
    assert f"/terminals/{session.pk}/" in shared
    session_actions.end_session(session)
    TerminalSession.objects.update(ended_at=timezone.now())
    assert "Nothing at the moment." in browser(bob).get("/terminals/").content.decode()


def test_who_may_open_anothers_terminal(alice: User, bob: User, root: User, job: Job) -> None:
    session = session_of(alice, job)
    page = f"/terminals/{session.pk}/"
    assert browser(bob).get(page).status_code == 404
    assert browser(alice).get(page).status_code == 404, "one's own is on the job page"
    assert browser(root).get(page).status_code == 200
    assert browser(root).get("/terminals/none/").status_code == 404
    share = TerminalShare.objects.create(session=session, person=bob)
    assert browser(bob).get(page).status_code == 200
    share.revoked_at = timezone.now()
    share.save()
    assert browser(bob).get(page).status_code == 404
    assert Client().get(page).status_code == 302


def test_who_may_open_a_recording(alice: User, bob: User, root: User, recording: Recording) -> None:
    page = f"/recordings/{recording.pk}/"
    own = browser(alice).get(page).content.decode()
    assert "head of Wing flow" in own
    assert "Watching this is recorded" not in own
    watched = browser(root).get(page).content.decode()
    assert "Watching this is recorded: alice sees it in their audit trail." in watched
    assert browser(bob).get(page).status_code == 404
    assert Client().get(page).status_code == 302


def test_a_deleted_recording_says_so(alice: User, recording: Recording) -> None:
    Recording.objects.update(deleted_at=timezone.now())
    text = browser(alice).get(f"/recordings/{recording.pk}/").content.decode()
    assert "Recording deleted after its retention period" in text
    assert "headnode-replay" not in text


@pytest.mark.parametrize("path", ["/administration/terminals/", "/administration/recording/"])
def test_administrators_pages_do_not_exist_for_others(alice: User, root: User, path: str) -> None:
    assert browser(alice).get(path).status_code == 404
    assert browser(alice).post(path).status_code == 404
    assert Client().get(path).status_code == 302
    assert browser(root).get(path).status_code == 200
    menu = browser(alice).get("/terminals/").content.decode()
    assert path not in menu


def test_live_terminals_show_who_where_and_who_watches(alice: User, bob: User, root: User, job: Job) -> None:
    session = session_of(alice, job, source_address="192.0.2.7")
    TerminalVisit.objects.create(session=session, person=bob, role="guest", may_type=True)
    TerminalVisit.objects.create(session=session, person=root, role="administrator", left_at=timezone.now())
    text = browser(root).get("/administration/terminals/", HTTP_HX_REQUEST="true").content.decode()
    assert "<html" not in text
    for words in ("alice", "head of Wing flow", "from 192.0.2.7", "nothing typed yet", "bob may type"):
        assert words in text
    assert "charlie (administrator)" not in text, "who left is not there"


def test_ending_asks_why(alice: User, root: User, job: Job) -> None:
    session = session_of(alice, job)
    page = f"/administration/terminals/{session.pk}/end/"
    assert browser(alice).post(page, {"message": "Because."}).status_code == 404
    empty = browser(root).post(page, {"message": ""})
    assert empty.status_code == 400
    assert "Say why in one sentence" in empty.content.decode()
    done = browser(root).post(page, {"message": "Maintenance."}, follow=True)
    assert "Ended the terminal of alice." in done.content.decode()
    session.refresh_from_db()
    assert session.end_requested_reason == "ended_by_administrator"
    assert session.end_message == "An administrator (charlie) ended this terminal: Maintenance."


def test_rules_are_set_and_removed_on_the_page(alice: User, root: User) -> None:
    client = browser(root)
    page = "/administration/recording/"
    for body in (
        {"scope": "site", "mode": "on", "on_failure": "end"},
        {"scope": "core_type", "core_type": "emerald", "mode": "announced", "on_failure": "go_on"},
        {"scope": "person", "person": "alice", "mode": "off", "on_failure": "go_on"},
    ):
        assert client.post(page, body).status_code == 302
    rows = RecordingRule.objects.order_by("id")
    assert [(row.core_type, row.person_id, row.mode, row.on_failure) for row in rows] == [
        ("", None, "on", "end"),
        ("emerald", None, "announced", "go_on"),
        ("", alice.pk, "off", "go_on"),
    ]
    client.post(f"/administration/recording/{rows[2].pk}/remove/")
    assert RecordingRule.objects.count() == 2
    assert browser(alice).post(f"/administration/recording/{rows[0].pk}/remove/").status_code == 404


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"scope": "person", "person": "", "mode": "on", "on_failure": "go_on"}, "Enter a user name."),
        ({"scope": "person", "person": "nobody", "mode": "on", "on_failure": "go_on"}, "Nobody of this name"),
        (
            {"scope": "core_type", "core_type": "none", "mode": "on", "on_failure": "go_on"},
            "Choose one of the core types.",
        ),
    ],
)
def test_a_wrong_rule_is_a_sentence_at_its_field(root: User, body: dict[str, str], sentence: str) -> None:
    answer = browser(root).post("/administration/recording/", body)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not RecordingRule.objects.exists()


@pytest.mark.parametrize(
    "body", [{}, {"mode": "loud"}, {"mode": "on", "on_failure": "panic"}, {"scope": "moon", "mode": "x"}]
)
def test_a_forged_form_changes_nothing_and_is_a_sentence(root: User, body: dict[str, str]) -> None:
    answer = browser(root).post("/administration/recording/", body)
    assert answer.status_code == 400
    assert "Choose " in answer.content.decode()
    assert not RecordingRule.objects.exists()
