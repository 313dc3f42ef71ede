"""jobs/{id}/tags/, custom-fields/, clusters/, clusters by their id, ping/: the form of Rescale's API."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import AuditEvent, User
from jobs.models import Cluster, Job
from tests.api import client_of
from tests.factories import ClusterFactory, JobFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(alice: User) -> Job:
    return JobFactory.create(owner=alice)


def test_tags_are_added_one_by_one_and_listed(alice: User, job: Job) -> None:
    client, url = client_of(alice), f"/api/v3/jobs/{job.pk}/tags/"
    assert client.get(url).json() == []
    first = client.post(url, {"name": " Wind  tunnel "}, format="json")
    assert (first.status_code, first.json()) == (
        201,
        {"name": "Wind tunnel", "normalizedName": "wind tunnel"},
    )
    client.post(url, {"name": "b"}, format="json")
    again = client.post(url, {"name": "WIND tunnel"}, format="json")
    assert (again.status_code, again.json()["name"]) == (201, "Wind tunnel")
    assert [tag["name"] for tag in client.get(url).json()] == ["Wind tunnel", "b"]
    job.refresh_from_db()
    assert job.user_tags == ["Wind tunnel", "b"]
    assert AuditEvent.objects.filter(object_type="job", object_id=job.pk).count() == 2


def test_a_submitted_job_can_be_tagged(alice: User) -> None:
    job = ClusterFactory.create(job__owner=alice).job
    assert (
        client_of(alice).post(f"/api/v2/jobs/{job.pk}/tags/", {"name": "late"}, format="json").status_code
        == 201
    )


@pytest.mark.parametrize(
    "body", [{}, {"name": ""}, {"name": "x" * 999}, {"name": None}, {"name": []}, [], "x", 7]
)
def test_what_is_no_tag_is_refused(alice: User, job: Job, body: Any) -> None:
    answer = client_of(alice).post(f"/api/v2/jobs/{job.pk}/tags/", body, format="json")
    assert answer.status_code == 400
    job.refresh_from_db()
    assert job.user_tags == []


@pytest.mark.parametrize("what", ["tags", "custom-fields", "clusters"])
def test_nobody_elses_job_is_there(charlie: User, job: Job, what: str) -> None:
    client = client_of(charlie)
    assert client.get(f"/api/v2/jobs/{job.pk}/{what}/").json()["reason"] == "not_found"
    if what != "clusters":
        assert client.post(f"/api/v2/jobs/{job.pk}/{what}/", {"name": "x"}, format="json").status_code == 404
    assert APIClient().get(f"/api/v2/jobs/{job.pk}/{what}/").status_code == 401


def test_custom_fields_are_refused_by_name(alice: User, job: Job) -> None:
    for method in ("get", "post"):
        answer = getattr(client_of(alice), method)(f"/api/v2/jobs/{job.pk}/custom-fields/")
        assert (answer.status_code, answer.json()["reason"]) == (404, "not_offered")


def test_a_cluster_by_its_id(alice: User, charlie: User, job: Job) -> None:
    cluster: Cluster = ClusterFactory.create(job__owner=alice)
    client = client_of(alice)
    (listed,) = client.get(f"/api/v3/jobs/{cluster.job_id}/clusters/").json()["results"]
    assert (listed["id"], listed["handle"]) == (cluster.pk, cluster.handle)
    assert client.get(f"/api/v3/jobs/{job.pk}/clusters/").json()["results"] == []
    by_id = client.get(f"/api/v3/clusters/{cluster.pk}/")
    assert by_id.json() == client.get(f"/api/v3/clusters/{cluster.handle}/").json()
    statuses = client.get(f"/api/v3/clusters/{cluster.pk}/statuses/").json()
    assert statuses == client.get(f"/api/v3/jobs/{cluster.job_id}/cluster_statuses/").json()
    for path in ("", "statuses/"):
        assert client_of(charlie).get(f"/api/v3/clusters/{cluster.pk}/{path}").status_code == 404


def test_ping(alice: User) -> None:
    assert client_of(alice).get("/api/v3/ping/").json() == {"status": "ok"}
    assert APIClient().get("/api/v3/ping/").status_code == 401
