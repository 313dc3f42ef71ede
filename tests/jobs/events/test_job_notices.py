"""What people are told of their jobs, once each, in the transaction of what happened."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Notification, User
from jobs.access import host_key_alarm
from jobs.control import checkpoint, deadline_warnings
from jobs.events import job_log, job_notices
from jobs.models import Cluster, Job, Node
from jobs.states import COMPLETED_SUCCESSFULLY, LogSource, Observed, Outcome
from sshgateway.sessions import sharing
from sshgateway.ssh.errors import HostKeyChanged
from tests.factories import TerminalSessionFactory
from tests.jobs.costs.charges import charge
from tests.jobs.making import HOST_KEYS, actor, cluster_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster(alice: User) -> Cluster:
    return cluster_of(alice, Observed.EXECUTING)[0]


def told(person: User) -> Notification:
    return Notification.objects.get(person=person)


def test_a_failed_job_is_told_with_its_last_lines(cluster: Cluster, alice: User, bob: User) -> None:
    job = cluster.job
    for line in ("reading mesh", "solving", "", "ERROR: mesh has holes", "x" * 5000):
        job_log.append(job, LogSource.PROGRAM, line)
    checkpoint.save_outcome(cluster, Outcome.FAILED, "A run failed (exit code 3)", 3)
    for _ in range(2):  # a pass that was interrupted is made again
        checkpoint.complete(job, Outcome.FAILED, "A run failed (exit code 3)", 3)
    row = told(alice)
    assert row.kind == "job_failed" and row.title == f"{job.name} failed"
    assert row.text.startswith("A run failed (exit code 3).") and "mesh" not in row.text
    assert row.facts["exitCode"] == 3 and row.facts["job"] == job.pk
    assert row.facts["lastLines"] == ["solving", "ERROR: mesh has holes", "x" * 300]
    assert row.link == f"/jobs/{job.pk}/"
    assert not Notification.objects.filter(person=bob).exists()


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (Outcome.SUCCEEDED, "job_ended"),
        (Outcome.TERMINATED, "job_ended"),
        (Outcome.WALLTIME, "job_ended"),
        (Outcome.DEADLINE, "job_ended"),
        (Outcome.ERROR, "job_failed"),
    ],
)
def test_how_it_ended_gives_the_kind(cluster: Cluster, alice: User, outcome: Outcome, kind: str) -> None:
    checkpoint.complete(cluster.job, outcome, "It is over")
    assert told(alice).kind == kind and "It is over" in told(alice).text


def test_success_says_how_long_it_ran_and_what_it_cost(alice: User) -> None:
    job = cluster_of(alice, Observed.RELEASED, name="Wing")[0].job
    began = timezone.now() - timedelta(hours=3)
    Cluster.objects.filter(job=job).update(executing_at=began, executed_at=began + timedelta(minutes=125))
    charge(alice, began, 36_000, job_id=job.pk)
    checkpoint.complete(job, Outcome.SUCCEEDED, COMPLETED_SUCCESSFULLY, 0)
    assert (told(alice).title, told(alice).text) == (
        "Wing completed",
        "It ran for 2 h 5 min and cost USD 1.00.",
    )


def test_what_never_ran_says_why_it_ended(alice: User) -> None:
    job = cluster_of(alice, Observed.RELEASED, name="Wing")[0].job
    Cluster.objects.filter(job=job).update(executing_at=None, executed_at=None)
    checkpoint.complete(job, Outcome.TERMINATED, "User Terminated")
    assert (told(alice).title, told(alice).text) == ("Wing ended", "User Terminated.")


def test_a_deadline_is_told_with_a_link_that_extends(cluster: Cluster, alice: User, client: Client) -> None:
    end = timezone.now() + timedelta(minutes=14)
    job = cluster.job
    Job.objects.filter(pk=job.pk).update(walltime=timedelta(hours=2))
    executing = end - timedelta(hours=2)
    Cluster.objects.filter(pk=cluster.pk).update(
        deadline_at=end, deadline_reason="walltime", executing_at=executing, created_at=executing
    )
    cluster = Cluster.objects.get(pk=cluster.pk)
    for _ in range(2):  # a pass that was interrupted is made again
        job_notices.deadline_near(cluster, deadline_warnings.warning(cluster), 15)
    row = told(alice)
    assert row.kind == "deadline_near" and "14 minutes" in row.text
    assert row.facts["minutes"] == 15 and row.facts["reason"] == "walltime"
    assert client.get(row.action_link).status_code == 302  # to sign in, and back
    client.force_login(alice)
    page = client.get(row.action_link).content.decode()
    assert "+1 h" in page
    assert Cluster.objects.get(pk=cluster.pk).deadline_at == end  # looking changes nothing
    client.post(row.action_link, {"seconds": "3600"})
    assert Cluster.objects.get(pk=cluster.pk).deadline_at == end + timedelta(hours=1)


@pytest.mark.parametrize(
    ("reason", "words"), [("walltime", "Extend it"), ("idle", "Keep it running"), ("budget", "")]
)
def test_only_a_deadline_that_its_owner_can_move_has_a_button(
    cluster: Cluster, alice: User, reason: str, words: str
) -> None:
    cluster.deadline_at, cluster.deadline_reason = timezone.now() + timedelta(minutes=14), reason
    job_notices.deadline_near(cluster, "Soon.", 15)
    row = told(alice)
    assert (row.action_text, bool(row.action_link)) == (words, bool(words))


def test_the_link_is_for_its_owner(cluster: Cluster, charlie: User, client: Client) -> None:
    client.force_login(charlie)
    assert client.get(f"/jobs/{cluster.job_id}/extend/").status_code == 404


def test_nothing_to_extend_is_said(cluster: Cluster, alice: User, client: Client) -> None:
    Cluster.objects.update(observed_state=Observed.RELEASED)
    client.force_login(alice)
    assert "nothing to extend" in client.get(f"/jobs/{cluster.job_id}/extend/").content.decode()


def test_an_alarm_is_told_to_owner_and_administrators(
    cluster: Cluster, alice: User, admin: User, charlie: User
) -> None:
    node = Node.objects.select_related("cluster__job__owner").get(cluster=cluster, name="head")
    node.host_keys = [HOST_KEYS[0]]
    error = HostKeyChanged("It shows another key.", "SHA256:" + "x" * 43)
    for _ in range(2):
        host_key_alarm.raise_alarm(node, error, "a test")
    assert {row.person for row in Notification.objects.filter(kind="host_key_alarm")} == {alice, admin}
    assert Notification.objects.count() == 2
    assert "Do not log in to it" in told(admin).text


def test_a_shared_terminal_is_told_once(alice: User, bob: User, charlie: User) -> None:
    session = TerminalSessionFactory(owner=alice)
    sharing.share_session(actor(alice), session, "bob", may_type=False)
    sharing.share_session(actor(alice), session, "bob", may_type=True)
    row = told(bob)
    assert row.kind == "shared_with_you" and "alice" in row.title and row.link == "/terminals/"
    assert session.pk not in str(row.facts) + row.text + row.link  # its id is the address of the shell
    assert not Notification.objects.filter(person=charlie).exists()
