"""Which earlier runs a job is compared with."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from jobs.costs.past_runs import MOST_RUNS, Likeness, durations_of_runs_like
from jobs.models import ClusterDefinition, CoreType, FollowingAnalysis, Job
from jobs.states import Observed
from tests.factories import ClusterFactory, JobFactory

pytestmark = pytest.mark.django_db
BEGAN = timezone.now() - timedelta(days=1)


def ran(owner: User, minutes: float = 40, *, began: datetime = BEGAN, **change: Any) -> Job:
    """Make a job whose command took this long and succeeded."""
    fields = {"outcome": "succeeded", "cores_per_slot": 4, "slots": 2, **change}
    job = JobFactory.create(owner=owner, submitted=True, **fields)
    ended = began + timedelta(minutes=minutes)
    ClusterFactory.create(job=job, observed_state=Observed.RELEASED, executing_at=began, executed_at=ended)
    return job


def like(owner: User, **change: Any) -> Likeness:
    return replace(Likeness(owner.pk, ("user_included",), "emerald", 4, 2), **change)


def minutes(found: Any) -> list[float]:
    return [duration / timedelta(minutes=1) for duration in found]


def test_runs_that_are_alike_count(alice: User) -> None:
    ran(alice, 40)
    ran(alice, 20)
    assert minutes(durations_of_runs_like(like(alice))) == [20, 40]


@pytest.mark.parametrize(
    "change",
    [
        {"analysis_code": "openfoam"},
        {"cores_per_slot": 8},
        {"slots": 1},
        {"outcome": "failed"},
        {"outcome": "walltime"},
        {"outcome": ""},
        {"is_interactive": True},
        {"command": ""},
    ],
)
def test_others_do_not(alice: User, change: dict[str, Any]) -> None:
    ran(alice, **change)
    assert durations_of_runs_like(like(alice)) == []


def test_nor_those_of_other_people_or_on_another_core_type(alice: User, bob: User) -> None:
    ran(bob)
    ran(alice, core_type=CoreType.objects.get(pk="onyx"))
    assert durations_of_runs_like(like(alice)) == []


def test_nor_a_cluster_of_a_definition_or_a_job_that_never_ran(alice: User) -> None:
    ClusterDefinition.objects.create(cluster=ran(alice).cluster, text="name = 'x'")
    JobFactory.create(owner=alice, outcome="succeeded", cores_per_slot=4, slots=2)
    assert durations_of_runs_like(like(alice)) == []


def test_all_analyses_must_be_the_same_in_the_same_order(alice: User) -> None:
    for number, codes in enumerate([[], ["openfoam"], ["custom"], ["openfoam", "custom"]]):
        job = ran(alice, number)
        for position, code in enumerate(codes, start=1):
            FollowingAnalysis.objects.create(job=job, position=position, analysis_code=code, command="x")

    def found(*following: str) -> list[float]:
        return minutes(durations_of_runs_like(like(alice, software=("user_included", *following))))

    assert (found(), found("openfoam"), found("custom")) == ([0], [1], [2])
    assert (found("openfoam", "custom"), found("custom", "openfoam")) == ([3], [])


def test_the_newest_count_in_one_query(alice: User) -> None:
    now = timezone.now()
    for number in range(MOST_RUNS + 2):
        ran(alice, number, created_at=now - timedelta(hours=number))
    with CaptureQueriesContext(connection) as queries:
        found = minutes(durations_of_runs_like(like(alice)))
    assert found == list(range(MOST_RUNS))
    assert len(queries) == 1


def test_an_index_finds_them(alice: User) -> None:
    """Without it, each estimate reads all jobs that the person ever had."""
    with CaptureQueriesContext(connection) as queries:
        durations_of_runs_like(like(alice))
    sql = queries[0]["sql"]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # of an empty table it would read all
        cursor.execute(f"EXPLAIN {'QUERY PLAN ' if connection.vendor == 'sqlite' else ''}{sql}")
        plan = str(cursor.fetchall())
    assert "jobs_alike" in plan
