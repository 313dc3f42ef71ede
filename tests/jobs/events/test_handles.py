"""Every cluster has a handle, cluster-001 and on, that no other cluster of its owner ever had."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, connections, transaction
from django.utils import timezone

import jobs.migrations
from accounts.audit.trail import SYSTEM
from accounts.models import User
from jobs.events import handles
from jobs.models import Cluster, ClusterCount
from jobs.states import Observed
from jobs.submission import job_actions
from tests.factories import ClusterFactory
from tests.jobs.making import saved_job, submitted_job


@pytest.mark.django_db
def test_each_person_counts_from_one_plain_jobs_included(alice: User, bob: User) -> None:
    found = [submitted_job(user).cluster.handle for user in (alice, alice, bob, alice)]
    assert found == ["cluster-001", "cluster-002", "cluster-001", "cluster-003"]


@pytest.mark.django_db
def test_a_saved_job_has_none_and_a_failed_submission_gives_its_number_back(alice: User) -> None:
    job = saved_job(alice)
    with pytest.raises(RuntimeError), transaction.atomic():
        job_actions.submit_job(SYSTEM, job)
        raise RuntimeError
    assert submitted_job(alice).cluster.handle == "cluster-001"


@pytest.mark.django_db
def test_a_number_is_not_given_twice_when_its_job_is_deleted(alice: User) -> None:
    job = submitted_job(alice)
    Cluster.objects.filter(job=job).update(observed_state=Observed.RELEASED)
    job_actions.delete_job(SYSTEM, job)
    assert submitted_job(alice).cluster.handle == "cluster-002"


@pytest.mark.django_db
def test_the_database_itself_keeps_two_apart(alice: User) -> None:
    ClusterFactory.create(job__owner=alice, handle="cluster-007")
    with pytest.raises(IntegrityError), transaction.atomic():
        ClusterFactory.create(job__owner=alice, handle="cluster-007")


@pytest.mark.django_db(transaction=True)
def test_many_at_once_get_one_each(alice: User) -> None:
    jobs = [saved_job(alice) for _ in range(12)]

    def submit(number: int) -> str:
        try:
            return job_actions.submit_job(SYSTEM, jobs[number]).cluster.handle
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(submit, range(12)))
    assert sorted(found) == [handles.handle_of_number(number) for number in range(1, 13)]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("cluster-001", True),
        ("cluster-1234", True),
        ("cluster-1", False),
        ("cluster-٠٠١", False),
        ("cluster-001\n", False),
        ("cluster-" + "1" * 30, False),
        ("", False),
    ],
)
def test_what_can_be_a_handle(text: str, is_one: bool) -> None:
    assert handles.is_handle(text) is is_one


def test_the_thousandth_has_four_digits() -> None:
    assert [handles.handle_of_number(number) for number in (1, 999, 1000)] == [
        "cluster-001",
        "cluster-999",
        "cluster-1000",
    ]


@pytest.mark.django_db(transaction=True)
def test_clusters_from_before_handles_are_numbered_the_oldest_first(alice: User, bob: User) -> None:
    rows = [submitted_job(user).cluster for user in (alice, bob, alice)]
    for place, row in enumerate(reversed(rows)):
        Cluster.objects.filter(pk=row.pk).update(
            handle=f"none {place}", created_at=timezone.now() - timedelta(days=3 - place)
        )
    ClusterCount.objects.all().delete()
    [file] = Path(jobs.migrations.__file__).parent.glob("*_cluster_handles.py")
    migration = import_module(f"jobs.migrations.{file.stem}")
    with connection.schema_editor() as editor:
        migration.number(apps, editor)
    handles_now = [Cluster.objects.get(pk=row.pk).handle for row in rows]
    assert handles_now == ["cluster-002", "cluster-001", "cluster-001"]
    assert submitted_job(alice).cluster.handle == "cluster-003"
