"""Warnings before the deadline: each once, even if a worker is killed in between; again after an extension."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import services
from accounts.models import User
from accounts.tasks import send_due_mail, send_due_webhooks
from jobs.access import session_subjects
from jobs.control import checkpoint, claim, command, controller, deadline_warnings, owner_intent
from jobs.lifetime import extending
from jobs.models import Cluster, Job, Node, claims
from jobs.providers.base import ProviderBusy
from jobs.states import Observed
from sshgateway.models import TerminalNotice
from tests.accounts.notifications.receivers import http_receiver, mail_receiver
from tests.factories import TerminalSessionFactory
from tests.fakes import providers as fakes
from tests.jobs.making import HOST_KEYS, actor, cluster_of

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
Left = Callable[[float], Cluster]


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> fakes.ProviderWhoseNodesNeverReport:
    found = fakes.ProviderWhoseNodesNeverReport()
    found.there = {"head": "running"}
    monkeypatch.setattr(command, "follow", lambda cluster: timedelta(minutes=20))
    return found


@pytest.fixture
def left(alice: User, cloud: fakes.ProviderWhoseNodesNeverReport) -> Left:
    """`left(16)`: the command has 16 minutes of its four hours left, and the loop makes a pass."""
    cluster, _ = cluster_of(alice, Observed.EXECUTING, walltime_hours=4)
    now = timezone.now()
    Node.objects.filter(cluster=cluster).update(
        state="running",
        report_outcome="ok",
        verified_at=now,
        host_keys=[HOST_KEYS[0]],
        certified_until=now + 90 * HOUR,
    )
    began = [False]

    def turn(minutes: float) -> Cluster:
        deadline_at = timezone.now() + timedelta(minutes=minutes)
        job = Job.objects.get(pk=cluster.job_id)
        Cluster.objects.filter(pk=cluster.pk).update(
            executing_at=deadline_at - job.walltime, deadline_at=deadline_at, next_check_at=timezone.now()
        )
        if not began[0]:
            began[0] = True
            Cluster.objects.filter(pk=cluster.pk).update(deadline_reason="walltime")
        controller.reconcile(cluster.pk, lambda name: cloud)
        return Cluster.objects.get(pk=cluster.pk)

    return turn


def warned(cluster: Cluster) -> list[str]:
    found = cluster.job.events.filter(level="warning", message__startswith="This cluster ends in")
    return [event.message.partition(",")[0] for event in found.order_by("sequence")]


def test_sixty_fifteen_and_five_minutes_before_and_each_once(left: Left, cloud: Any) -> None:
    for minutes in (70, 59.5, 40, 14.5, 10, 4.5, 3):
        cluster = left(minutes)
    assert warned(cluster) == [
        "This cluster ends in 60 minutes",
        "This cluster ends in 15 minutes",
        "This cluster ends in 5 minutes",
    ]
    assert [message.partition(",")[0] for _, message in cloud.broadcasts] == warned(cluster)
    assert len({key for key, _ in cloud.broadcasts}) == 3


def test_it_says_when_why_and_what_to_do(left: Left) -> None:
    event = left(59.5).job.events.get(message__startswith="This cluster ends in")
    assert (
        "UTC. The job's walltime is over then. Save your work, or extend it on the job page." in event.message
    )


def test_what_a_budget_ends_is_not_told_to_extend(alice: User) -> None:
    cluster, _nodes = cluster_of(alice, Observed.EXECUTING)
    cluster.deadline_at, cluster.deadline_reason = timezone.now() + HOUR / 4, "budget"
    text = deadline_warnings.warning(cluster)
    assert text.endswith("Save your work. It can run longer only if an administrator raises the budget.")


def test_after_a_long_silence_one_warning_not_three(left: Left) -> None:
    assert warned(left(4.5)) == ["This cluster ends in 5 minutes"]


def test_the_loop_comes_by_for_the_next_warning(left: Left) -> None:
    cluster = left(70)
    assert cluster.next_check_at is not None
    assert timedelta(minutes=9) < cluster.next_check_at - timezone.now() < timedelta(minutes=10)


def test_browser_terminals_of_the_cluster_are_told(left: Left, alice: User, bob: User) -> None:
    job = Job.objects.get(owner=alice)
    ours = TerminalSessionFactory.create(owner=alice, subject=session_subjects.subject_of(job))
    TerminalSessionFactory.create(owner=bob)
    left(14.5)
    notice = TerminalNotice.objects.get()
    assert notice.session == ours
    assert notice.sentence.startswith("This cluster ends in 15 minutes")


@pytest.mark.parametrize(("minutes", "said"), [(59.5, 60), (14.5, 15), (4.5, 5)])
def test_each_is_told_in_every_way(
    left: Left, alice: User, cloud: Any, client: Client, settings: Settings, minutes: float, said: int
) -> None:
    """Banner, terminals in the browser and on the nodes, inbox, mail and webhook; the last two to real receivers."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.HEADNODE_WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    client.force_login(alice)
    job = Job.objects.get(owner=alice)
    TerminalSessionFactory.create(owner=alice, subject=session_subjects.subject_of(job))
    with mail_receiver() as mails, http_receiver() as hook:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", mails.port
        services.add_webhook(actor(alice), alice, hook.url, ["deadline_near"])
        left(minutes)
        assert (send_due_mail(), send_due_webhooks()) == (1, 1)

    sentence = f"This cluster ends in {said} minutes"
    assert TerminalNotice.objects.get().sentence.startswith(sentence)
    assert [text.partition(",")[0] for _, text in cloud.broadcasts] == [sentence]
    assert sentence in client.get("/notifications/").content.decode()
    (mail,), (posted,) = mails.mails, hook.requests
    body = mail.get_body(("plain",))
    assert (
        body is not None
        and sentence in body.get_content()
        and f"/jobs/{job.pk}/extend/" in body.get_content()
    )
    data = json.loads(posted.body)
    assert (data["type"], data["data"]["minutes"]) == ("deadline_near", said)
    page = client.get(f"/jobs/{job.pk}/").content.decode()
    assert 'id="deadline-near"' in page
    assert ("notice is-warning outcome" in page) == (said <= 15)


def test_an_extension_arms_them_again(left: Left, alice: User) -> None:
    cluster = left(4.5)
    extending.extend_job(actor(alice), cluster.job, by=2 * HOUR)
    cluster = left(59.5)
    assert warned(cluster) == ["This cluster ends in 5 minutes", "This cluster ends in 60 minutes"]


def test_a_pass_under_way_does_not_broadcast_what_an_extension_skipped(
    left: Left, alice: User, cloud: fakes.ProviderWhoseNodesNeverReport
) -> None:
    """The extension leaves under an hour: its first warning is skipped, on the nodes as in the Job Log."""
    cluster = left(4.5)
    cloud.broadcasts.clear()
    Cluster.objects.filter(pk=cluster.pk).update(next_check_at=timezone.now())
    held = claim.acquire(cluster.pk)
    assert held is not None
    extending.extend_job(actor(alice), cluster.job, by=HOUR / 2)
    owner_intent.reread(held)
    deadline_warnings.give_due_warning(held)
    deadline_warnings.broadcast(held, cloud)
    assert warned(cluster) == ["This cluster ends in 5 minutes"]
    assert cloud.broadcasts == []


def test_a_short_walltime_is_not_warned_of_at_its_beginning(alice: User, cloud: Any) -> None:
    """Whoever asks for half an hour knows that it ends in half an hour."""
    cluster, _ = cluster_of(alice, Observed.READY, walltime_hours=0.5)
    Cluster.objects.filter(pk=cluster.pk).update(claimed_by=claims.worker_name())
    checkpoint.advance(cluster, Observed.EXECUTING, executing_at=timezone.now())
    deadline_warnings.give_due_warning(cluster)
    assert warned(cluster) == []
    assert cluster.warned_minutes == 60


def test_a_cloud_that_is_away_is_told_later_and_only_once(
    left: Left, cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(state: Any, message: str, key: str) -> None:
        raise ProviderBusy("provider_unreachable", "The cloud does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(cloud, "broadcast", away)
        cluster = left(14.5)
    assert warned(cluster) == ["This cluster ends in 15 minutes"]
    assert cluster.broadcast_minutes != 15
    left(14)
    left(13)
    assert len(cloud.broadcasts) == 1


def test_the_log_hears_of_it_also_while_the_cloud_is_away(
    left: Left, cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(state: Any) -> None:
        raise ProviderBusy("provider_unreachable", "The cloud does not answer.")

    monkeypatch.setattr(cloud, "observe", away)
    assert warned(left(14.5)) == ["This cluster ends in 15 minutes"]


def test_what_is_being_terminated_is_not_warned_of(left: Left, alice: User) -> None:
    Cluster.objects.update(desired_state="stopped")
    job = Job.objects.get(owner=alice)
    job.stop_requested_at = timezone.now()
    job.save()
    assert warned(left(14.5)) == []
