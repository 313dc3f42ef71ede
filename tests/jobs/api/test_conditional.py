"""What is polled has an ETag: 304 while nothing changed, another ETag once something did."""

import pytest

from accounts.models import User
from jobs.events import job_log
from jobs.models import Job
from jobs.states import LogSource
from tests.api import client_of
from tests.factories import ClusterFactory, JobStatusFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(alice: User) -> Job:
    return ClusterFactory.create(job__owner=alice).job


@pytest.mark.parametrize("version", ["v2", "v3"])
@pytest.mark.parametrize("what", ["", "{id}/", "{id}/statuses/", "{id}/cluster_statuses/", "{id}/events/"])
def test_304_while_nothing_changed(alice: User, job: Job, version: str, what: str) -> None:
    client, url = client_of(alice), f"/api/{version}/jobs/" + what.format(id=job.pk)
    first = client.get(url)
    assert first.status_code == 200
    assert "private" in first["Cache-Control"] and "Authorization" in first["Vary"]
    again = client.get(url, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    weak = client.get(url, headers={"If-None-Match": f'"other", W/{first["ETag"]}'})
    assert weak.status_code == 304
    other = client.get(url, headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)


def test_another_one_once_something_changed(alice: User, job: Job) -> None:
    client = client_of(alice)
    urls = [f"/api/v2/jobs/{job.pk}/{what}" for what in ("statuses/", "events/")]
    before = {url: client.get(url)["ETag"] for url in urls}
    JobStatusFactory.create(job=job, status="Completed")
    job_log.append(job, LogSource.PORTAL, "Completed.")
    for url in urls:
        answer = client.get(url, headers={"If-None-Match": before[url]})
        assert answer.status_code == 200 and answer["ETag"] != before[url]


def test_an_etag_lets_nobody_in(alice: User, charlie: User, job: Job) -> None:
    url = f"/api/v2/jobs/{job.pk}/statuses/"
    etag = client_of(alice).get(url)["ETag"]
    assert client_of(charlie).get(url, headers={"If-None-Match": etag}).status_code == 404
    assert client_of(charlie).get(url, headers={"If-None-Match": "*"}).status_code == 404


@pytest.mark.parametrize("value", ["", "x", '"', "\u00e9", "W/", ",,,", '"a' * 3000])
def test_whatever_comes_instead_of_an_etag(alice: User, job: Job, value: str) -> None:
    answer = client_of(alice).get(f"/api/v2/jobs/{job.pk}/", headers={"If-None-Match": value})
    assert answer.status_code == 200
