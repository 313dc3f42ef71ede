"""The job page: what it shows in each state, what its buttons do, and who may see it."""

import pytest
from django.test import Client
from django.utils import timezone

from accounts import services as accounts_services
from accounts.audit.trail import SYSTEM
from accounts.models import User
from jobs.access import node_access
from jobs.events import job_log
from jobs.models import Cluster, Job, Node
from jobs.states import LogSource, Observed
from sshgateway.sessions.session_actions import end_session, open_session
from tests.jobs.making import HOST_KEYS, cluster_of, saved_job, submitted_job

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl alice"


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def ready(alice: User) -> Job:
    """A job whose two nodes are up."""
    cluster, nodes = cluster_of(alice, Observed.EXECUTING, slots=2)
    for number, node in enumerate(nodes):
        Node.objects.filter(pk=node.pk).update(
            state=Node.State.RUNNING,
            address=f"127.20.0.{5 + number}",
            port=32100,
            host_keys=[HOST_KEYS[0]],
            verified_at=timezone.now(),
        )
    return cluster.job


def test_others_get_the_404_page_from_every_address_of_the_job(
    client: Client, charlie: User, ready: Job
) -> None:
    client.force_login(charlie)
    for path in ("", "fragments/state/", "log.txt", "terminal/head/"):
        assert client.get(f"/jobs/{ready.pk}/{path}").status_code == 404
    for verb in ("submit", "terminate", "delete"):
        assert client.post(f"/jobs/{ready.pk}/{verb}/", {"confirmed": "1"}).status_code == 404
    assert "Page not found" in client.get(f"/jobs/{ready.pk}/").content.decode()
    assert ready.name not in client.get("/").content.decode()


def test_the_copy_button_waits_for_the_cluster_with_the_reason(page: Client, alice: User) -> None:
    job = submitted_job(alice)
    html = page.get(f"/jobs/{job.pk}/").content.decode()
    assert "The cluster is not ready yet." in html
    assert 'id="copy-ssh" disabled' in html and 'id="ssh-command"' not in html


def test_the_copy_button_says_when_there_is_no_key(page: Client, ready: Job) -> None:
    html = page.get(f"/jobs/{ready.pk}/").content.decode()
    assert "as soon as you have an SSH key" in html and 'id="copy-ssh" disabled' in html
    assert "Open terminal" in html, "the browser terminal needs no key"


def test_the_command_is_complete_when_the_cluster_is_ready(page: Client, alice: User, ready: Job) -> None:
    accounts_services.add_ssh_key(SYSTEM, alice, "Laptop", KEY)
    html = page.get(f"/jobs/{ready.pk}/").content.decode()
    command = f"ssh -p 32100 uprod_{ready.pk}@127.20.0.5"
    assert f'id="ssh-command" data-ssh-command data-asks-key-file>{command}</code>' in html
    assert "SHA256:" in html and f"/api/v2/jobs/{ready.pk}/known-hosts/" in html
    assert html.count("data-open-terminal=") == 2


def test_a_refused_address_is_said_with_one_click_to_add_it(page: Client, alice: User, ready: Job) -> None:
    accounts_services.add_ssh_key(SYSTEM, alice, "Laptop", KEY)
    path = f"/jobs/{ready.pk}/"
    assert "allow your address 192.0.2.7." in page.get(path, REMOTE_ADDR="192.0.2.7").content.decode()
    answer = page.post("/settings/job/rules/", {"cidr": "192.0.2.7", "next": path}, REMOTE_ADDR="192.0.2.7")
    assert answer["Location"] == path
    assert "your address 192.0.2.7" not in page.get(path, REMOTE_ADDR="192.0.2.7").content.decode()


def test_the_fragment_holds_every_live_part_of_the_page(page: Client, ready: Job) -> None:
    whole = page.get(f"/jobs/{ready.pk}/").content.decode()
    fragment = page.get(f"/jobs/{ready.pk}/fragments/state/").content.decode()
    assert "<html" not in fragment
    for part in ("header", "connect", "nodes", "stages", "details"):
        assert f'id="job-{part}" data-live' in fragment and f'id="job-{part}" data-live' in whole
    # The files follow by a script of their own: what was selected or opened there must not be replaced.
    assert 'id="job-files"' in whole and 'id="job-files"' not in fragment


def test_a_saved_job_can_be_submitted_once(page: Client, alice: User) -> None:
    job = saved_job(alice)
    html = page.get(f"/jobs/{job.pk}/").content.decode()
    assert "submit-button" in html and "terminate-button" not in html
    assert page.post(f"/jobs/{job.pk}/submit/").status_code == 302
    again = page.post(f"/jobs/{job.pk}/submit/")
    assert again.status_code == 409
    assert "This job was submitted before." in again.content.decode()


def test_terminate_asks_says_what_is_lost_and_is_idempotent(page: Client, ready: Job) -> None:
    path = f"/jobs/{ready.pk}/terminate/"
    asked = page.post(path).content.decode()
    assert "All 2 nodes shut down" in asked
    assert Cluster.objects.get(job=ready).desired_state == "running"
    page.post(path, {"confirmed": "1"})
    assert Cluster.objects.get(job=ready).desired_state == "stopped"
    again = page.post(path, {"confirmed": "1"}, follow=True)
    assert "already being terminated" in again.content.decode()


def test_terminating_a_kept_head_says_that_new_files_are_saved_first(page: Client, ready: Job) -> None:
    Job.objects.filter(pk=ready.pk).update(completed_at=timezone.now())
    Cluster.objects.filter(job=ready).update(observed_state="collected")
    asked = page.post(f"/jobs/{ready.pk}/terminate/").content.decode()
    assert "new or changed since the output files were saved are saved first" in asked
    assert "Everything else on the head node is lost." in asked


def test_terminate_says_how_many_terminals_are_open(page: Client, alice: User, ready: Job) -> None:
    path = f"/jobs/{ready.pk}/terminate/"
    assert "terminal is open" not in page.post(path).content.decode()
    target = node_access.node_target(Node.objects.select_related("cluster__job").get(name="head"))
    session = open_session(alice, target)
    assert "1 browser terminal is open now." in page.post(path).content.decode()
    end_session(session)
    assert "terminal is open" not in page.post(path).content.decode()


def test_delete_is_refused_with_a_sentence_while_the_cluster_is_there(page: Client, ready: Job) -> None:
    answer = page.post(f"/jobs/{ready.pk}/delete/", {"confirmed": "1"})
    assert answer.status_code == 400
    assert "Terminate it and wait until it is Stopped" in answer.content.decode()
    Cluster.objects.filter(job=ready).update(observed_state=Observed.RELEASED)
    assert page.post(f"/jobs/{ready.pk}/delete/", {"confirmed": "1"})["Location"] == "/"
    assert not Job.objects.filter(pk=ready.pk).exists()


def test_a_failed_command_shows_its_exit_code(page: Client, ready: Job) -> None:
    Job.objects.filter(pk=ready.pk).update(
        outcome="failed",
        exit_code=3,
        outcome_reason="The command ended with exit code 3.",
        completed_at=timezone.now(),
    )
    html = page.get(f"/jobs/{ready.pk}/").content.decode()
    assert "Failed, exit code 3" in html
    assert "Head node still running: USD" in html


def test_the_log_shows_markup_as_text_and_downloads_without_colours(page: Client, ready: Job) -> None:
    job_log.append(ready, LogSource.PROGRAM, "\x1b[31m<script>alert(1)</script>\x1b[0m", node="head")
    html = page.get(f"/jobs/{ready.pk}/").content.decode()
    assert "&lt;script&gt;alert(1)" in html and "<script>alert" not in html
    text = page.get(f"/jobs/{ready.pk}/log.txt")
    assert text["Content-Type"] == "text/plain; charset=utf-8"
    assert "program/head: <script>alert(1)</script>\n" in text.content.decode()
    assert "\x1b" not in text.content.decode()


def test_a_long_log_starts_at_its_end_and_the_page_knows_what_is_missing(page: Client, ready: Job) -> None:
    for number in range(500):
        job_log.append(ready, LogSource.PROGRAM, f"line {number}", node="head")
    answer = page.get(f"/jobs/{ready.pk}/")
    ready.refresh_from_db()
    assert answer.context["last_sequence"] == ready.last_sequence
    assert answer.context["first_sequence"] == ready.last_sequence - 399
    assert f'data-first="{ready.last_sequence - 399}"' in answer.content.decode()


def test_the_terminal_window_knows_the_nodes_of_the_job_only(page: Client, alice: User, ready: Job) -> None:
    html = page.get(f"/jobs/{ready.pk}/terminal/compute-1/").content.decode()
    assert "<headnode-terminal" in html and 'data-node="compute-1"' in html
    assert page.get(f"/jobs/{ready.pk}/terminal/compute-9/").status_code == 404
    assert page.get(f"/jobs/{saved_job(alice).pk}/terminal/head/").status_code == 404
