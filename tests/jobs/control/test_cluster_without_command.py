"""A cluster without a command runs until its hours are over or its owner ends it; neither is a failure."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.audit.trail import SYSTEM
from accounts.models import User
from jobs.control import claim, standby
from jobs.control.cluster_end_reasons import ClusterEndReason
from jobs.control.decisions import Decision, Facts, NodeFacts, Step, decide
from jobs.definitions import launching
from jobs.models import Cluster, Job
from jobs.states import Desired, Observed
from jobs.submission import job_actions
from tests.jobs.definitions.catalogue import HEAD

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FACTS = Facts(
    Desired.RUNNING,
    Observed.EXECUTING,
    NOW,
    nodes=(NodeFacts("head", "running", report="ok", verified=True),),
    has_command=False,
    deadline_at=NOW + timedelta(hours=1),
    deadline_reason="walltime",
)


def step(**change: object) -> Decision:
    return decide(replace(FACTS, **change))  # type: ignore[arg-type]  # fields by name


def test_it_stands_by_until_its_hours_are_over() -> None:
    assert step() == Decision(Step.STAND_BY)
    assert step(deadline_at=NOW) == Decision(Step.CLOSE, ClusterEndReason.HOURS_OVER, by_deadline=True)
    assert step(deadline_at=NOW, deadline_reason="longest_life") == Decision(
        Step.CLOSE, "Longest life reached", by_deadline=True
    )
    assert step(desired=Desired.STOPPED) == Decision(Step.CLOSE, "User terminated")


def test_nothing_is_ever_asked_of_a_command_that_is_not_there() -> None:
    asked = {Step.FOLLOW, Step.STOP_COMMAND, Step.ABANDON}
    for observed in Observed:
        for desired in Desired:
            for at in (None, NOW - timedelta(hours=1), NOW + timedelta(hours=1)):
                found = step(
                    observed=observed, desired=desired, deadline_at=at, stop_limit_at=at, overrun_at=at
                )
                assert found.step not in asked


def test_a_node_that_dies_is_a_failure_all_the_same() -> None:
    assert step(nodes=(NodeFacts("head", "failed"),)).step == Step.FAIL
    assert step(provider_has_it=False).step == Step.FAIL


@pytest.fixture
def executing(alice: User) -> Cluster:
    """Return a cluster that is up and claimed by this worker."""
    cluster = launching.launch_cluster(SYSTEM, alice, HEAD)
    now = timezone.now()
    Cluster.objects.filter(pk=cluster.pk).update(
        observed_state=Observed.EXECUTING, executing_at=now, deadline_at=now + timedelta(hours=2)
    )
    found = claim.acquire(cluster.pk)
    assert found is not None
    return found


def ended(job: Job) -> tuple[str, str, int | None]:
    job.refresh_from_db()
    return job.outcome, job.outcome_reason, job.exit_code


@pytest.mark.django_db
def test_over_hours_end_it_well(executing: Cluster) -> None:
    standby.close(executing, "The hours of the cluster are over")
    assert executing.observed_state == Observed.EXECUTED
    assert ended(executing.job) == ("succeeded", "Its hours are over", None)
    assert executing.job.events.latest("sequence").message == "The hours of the cluster are over."


@pytest.mark.django_db
def test_its_owner_ends_it(executing: Cluster) -> None:
    job_actions.stop_job(SYSTEM, executing.job)
    executing.refresh_from_db()
    standby.close(executing, "User terminated")
    assert ended(executing.job) == ("terminated", "User Terminated", None)


@pytest.mark.django_db
def test_it_is_looked_at_now_and_then_and_in_time_for_the_end(executing: Cluster) -> None:
    assert standby.stand_by(executing) == standby.CHECK_EVERY
    executing.deadline_at = timezone.now() + timedelta(seconds=4)
    delay = standby.stand_by(executing)
    assert executing.deadline_at - timezone.now() <= delay < timedelta(seconds=4)
    executing.deadline_at = timezone.now() - timedelta(seconds=4)
    assert standby.stand_by(executing) == standby.SOONEST
