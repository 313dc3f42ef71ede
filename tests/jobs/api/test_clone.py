"""Cloning a job: the same analyses, hardware, settings and input files in a new job that is only saved."""

import pytest
from django.test import Client

from accounts.audit.trail import Actor
from accounts.models import AuditEvent, User
from accounts.services import projects
from jobs.models import ClusterDefinition, CoreType, FollowingAnalysis, Job, JobInput
from tests.api import client_of
from tests.factories import ClusterFactory, JobFactory, StoredFileFactory

pytestmark = pytest.mark.django_db
URL = "/api/v2/jobs/"


@pytest.fixture
def job(alice: User) -> Job:
    cluster = ClusterFactory.create(
        job__owner=alice,
        job__name="wing",
        job__command="./solver",
        job__env_vars={"A": "1"},
        job__slots=3,
        job__user_tags=["coarse"],
        job__cidr_rules=["192.0.2.0/24"],
        job__archive_filters=["*.vtk"],
        job__auto_terminate_cluster=False,
    )
    FollowingAnalysis.objects.create(job=cluster.job, position=1, command="python post.py")
    JobInput.objects.create(job=cluster.job, file=StoredFileFactory.create(owner=alice), decompress=False)
    return cluster.job


def test_a_clone_has_everything_and_is_not_submitted(alice: User, job: Job) -> None:
    client = client_of(alice)
    answer = client.post(f"{URL}{job.pk}/clone/")
    assert answer.status_code == 201
    copy, original = answer.json(), client.get(f"{URL}{job.pk}/").json()

    assert (copy["name"], copy["clonedFrom"], copy["dateSubmitted"]) == ("Copy of wing", job.pk, None)
    same = ("jobanalyses", "userTags", "archiveFilters", "cidrRule", "autoTerminateCluster", "projectId")
    assert {key: copy[key] for key in same} == {key: original[key] for key in same}
    assert [analysis["command"] for analysis in copy["jobanalyses"]] == ["./solver", "python post.py"]
    assert AuditEvent.objects.get(action="jobs:job:cloned").after == {"name": "Copy of wing", "of": job.pk}


def test_a_clone_of_a_clone_keeps_its_name_and_outlives_the_first(alice: User, job: Job) -> None:
    client = client_of(alice)
    first = client.post(f"{URL}{job.pk}/clone/").json()
    second = client.post(f"{URL}{first['id']}/clone/").json()
    assert second["name"] == "Copy of wing"

    assert client.delete(f"{URL}{first['id']}/").status_code == 204
    found = client.get(f"{URL}{second['id']}/").json()
    assert found["clonedFrom"] is None
    assert found["jobanalyses"][0]["inputFiles"] == second["jobanalyses"][0]["inputFiles"]


def test_nobody_else_clones_it(charlie: User, job: Job) -> None:
    assert client_of(charlie).post(f"{URL}{job.pk}/clone/").status_code == 404
    assert not Job.objects.filter(owner=charlie).exists()


def test_hardware_that_is_offered_no_more_is_named(alice: User, job: Job) -> None:
    CoreType.objects.filter(code="emerald").update(is_active=False)
    answer = client_of(alice).post(f"{URL}{job.pk}/clone/")

    assert answer.status_code == 400
    assert "onyx" in answer.json()["jobanalyses"][0]["hardware"]["coreType"][0]


def test_a_cluster_of_unlike_nodes_is_launched_again_instead(alice: User, job: Job) -> None:
    ClusterDefinition.objects.create(cluster=job.cluster, text="name = 'x'")
    answer = client_of(alice).post(f"{URL}{job.pk}/clone/")

    assert (answer.status_code, answer.json()["reason"]) == (409, "launched_from_definition")


def test_the_button_makes_a_clone_and_shows_it(alice: User, client: Client) -> None:
    job = JobFactory.create(owner=alice, name="wing")
    client.force_login(alice)
    page = client.get(f"/jobs/{job.pk}/").content.decode()
    assert f'action="/jobs/{job.pk}/clone/"' in page
    answer = client.post(f"/jobs/{job.pk}/clone/")

    copy = Job.objects.get(cloned_from=job)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/jobs/{copy.pk}/")


def test_a_clone_of_a_job_in_a_closed_project_belongs_to_the_default_one(
    alice: User, admin: User, job: Job
) -> None:
    wing, tail = (projects.create_project(Actor(admin), name, [alice]) for name in ("Wing", "Tail"))
    Job.objects.filter(pk=job.pk).update(project_id=wing.pk)
    projects.change_project(Actor(admin), wing, is_closed=True)
    projects.set_default_project(Actor(alice), alice, tail.pk)
    answer = client_of(alice).post(f"{URL}{job.pk}/clone/")
    assert (answer.status_code, answer.json()["projectId"]) == (201, tail.pk)
