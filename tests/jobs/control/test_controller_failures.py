"""However a provider fails, the job ends in a terminal row and nothing is left behind."""

from datetime import timedelta
from typing import NoReturn

import pytest
from django.utils import timezone

from accounts.models import User
from jobs.control import controller
from jobs.models import Cluster, Job
from jobs.providers.base import Provider
from jobs.submission import job_actions
from tests.fakes import providers as fakes
from tests.jobs.making import actor, submitted_job

pytestmark = pytest.mark.django_db


def turn(job: Job, provider: Provider, passes: int = 1) -> Cluster:
    """Make passes over the job's cluster, however long the loop meant to wait."""
    for _ in range(passes):
        Cluster.objects.filter(job=job).update(next_check_at=timezone.now())
        controller.reconcile(job.cluster.pk, lambda name: provider)
    job.refresh_from_db()
    return Cluster.objects.get(job=job)


def statuses(job: Job) -> list[str]:
    return [row.status for row in reversed(job.statuses.all())]


def cluster_statuses(job: Job) -> list[str]:
    return [row.status for row in reversed(job.cluster.statuses.all())]


def messages(job: Job) -> str:
    found = list(job.events.order_by("sequence"))
    assert [event.sequence for event in found] == list(range(1, len(found) + 1))
    return "\n".join(event.message for event in found)


def test_no_capacity(alice: User) -> None:
    fake = fakes.ProviderWithoutCapacity()
    job = submitted_job(alice)
    cluster = turn(job, fake, 3)
    assert cluster.observed_state == "released"
    assert statuses(job) == ["Pending", "Queued", "Completed"]
    assert cluster_statuses(job) == ["Not Started", "Error", "Stopping", "Stopped"]
    assert job.outcome == "error"
    reason = job.statuses.latest("id").reason
    assert reason.startswith("Could not allocate compute resources from the compute provider")
    assert "No room for 1 node." in messages(job)
    assert cluster.next_check_at is None


def test_a_cloud_that_is_down_is_asked_again_ever_more_slowly(alice: User) -> None:
    fake = fakes.ProviderDownAtFirst(times=3)
    job = submitted_job(alice)
    for seconds in (1, 2, 4):
        before = timezone.now()
        cluster = turn(job, fake)
        assert cluster.next_check_at is not None
        delay = timedelta(seconds=seconds)
        assert before + delay <= cluster.next_check_at <= timezone.now() + delay
    assert job.completed_at is None
    assert turn(job, fake).observed_state == "booting"
    assert len(fake.orders) == 1
    assert messages(job).count("The cloud does not answer.") == 1


def test_a_lost_answer_makes_no_second_cluster(alice: User) -> None:
    fake = fakes.ProviderThatAnswersTwice()
    job = submitted_job(alice, slots=3)
    assert turn(job, fake, 2).observed_state == "booting"
    first, second = fake.orders
    assert first == second
    assert [node.name for node in first.nodes] == ["head", "compute-1", "compute-2"]


@pytest.mark.parametrize(
    ("fake", "sentence"),
    [
        (fakes.ProviderThatForgets(), "does not know the cluster any more"),
        (fakes.ProviderWhoseNodeFails(), "head failed while it booted: its image is broken."),
    ],
)
def test_what_breaks_while_it_boots_is_told_and_released(alice: User, fake: Provider, sentence: str) -> None:
    job = submitted_job(alice)
    assert turn(job, fake, 6).observed_state == "released"
    assert sentence in messages(job)
    assert statuses(job)[-1] == "Completed"
    assert cluster_statuses(job)[-1] == "Stopped"


def test_a_node_that_never_reports_is_named_after_the_limit(alice: User, settings: object) -> None:
    fake = fakes.ProviderWhoseNodesNeverReport()
    job = submitted_job(alice, slots=2)
    assert turn(job, fake).observed_state == "booting"
    Cluster.objects.filter(job=job).update(booting_at=timezone.now() - timedelta(hours=1))
    assert turn(job, fake, 4).observed_state == "released"
    assert "These nodes did not report in time: head, compute-1." in messages(job)
    assert fake.released >= 1
    assert not fake.there


def test_terminate_while_it_boots(alice: User) -> None:
    fake = fakes.ProviderWhoseNodesNeverReport()
    job = submitted_job(alice)
    turn(job, fake)
    job_actions.stop_job(actor(alice), job)
    assert turn(job, fake, 4).observed_state == "released"
    assert statuses(job) == ["Pending", "Queued", "Stopping", "Completed"]
    assert cluster_statuses(job) == ["Not Started", "Starting", "Stop Requested", "Stopping", "Stopped"]
    assert (job.outcome, job.exit_code) == ("terminated", None)
    assert not fake.there


def test_terminate_before_anything_was_ordered(alice: User) -> None:
    fake = fakes.ProviderWhoseNodesNeverReport()
    job = submitted_job(alice)
    job_actions.stop_job(actor(alice), job)
    assert turn(job, fake, 4).observed_state == "released"
    assert fake.orders == []
    assert statuses(job)[-1] == "Completed"


def test_a_bug_of_ours_backs_off_and_loses_nothing(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    class ProviderWithABug(fakes.ProviderWhoseNodesNeverReport):
        def observe(self, state: dict[str, object]) -> NoReturn:
            raise ZeroDivisionError

    fake = ProviderWithABug()
    job = submitted_job(alice)
    turn(job, fake, 2)
    cluster = turn(job, fake)
    assert cluster.failures >= 1
    assert cluster.claimed_by == ""
    assert cluster.next_check_at is not None
    assert "a pass broke" in caplog.text
