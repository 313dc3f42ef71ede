"""Statuses, the Job Log by cursor, and the Job Log as Rescale's clients read it."""

import re
from typing import Any

import pytest

from accounts.models import User
from jobs.models import Job
from tests.api import client_of
from tests.factories import (
    ClusterFactory,
    ClusterStatusFactory,
    JobEventFactory,
    JobFactory,
    JobStatusFactory,
)

pytestmark = pytest.mark.django_db
LINE = (
    "Instance ready for ssh access. Command: ssh -i </path/to/key> uprod_Fotxeb@192.0.2.7; port: 32100; "
    "working directory: /enc/uprod_Fotxeb/work"
)


def _get(user: User, job: Job, path: str) -> Any:
    return client_of(user).get(f"/api/v2/jobs/{job.pk}/{path}")


def test_job_statuses_come_newest_first(alice: User) -> None:
    job = JobFactory.create(owner=alice)
    for status, reason in [("Pending", ""), ("Queued", ""), ("Completed", "A run failed")]:
        JobStatusFactory.create(job=job, status=status, reason=reason)
    rows = _get(alice, job, "statuses/").json()["results"]

    assert [row["status"] for row in rows] == ["Completed", "Queued", "Pending"]
    assert [row["statusReason"] for row in rows] == ["A run failed", None, None]
    assert all(row["statusDate"].endswith("+00:00") for row in rows)
    assert rows[0]["jobId"] == job.pk


def test_cluster_statuses_are_404_until_there_is_a_cluster(alice: User) -> None:
    answer = _get(alice, JobFactory.create(owner=alice), "cluster_statuses/")

    assert (answer.status_code, answer.json()["reason"]) == (404, "no_cluster")


def test_cluster_statuses_come_newest_first(alice: User) -> None:
    cluster = ClusterFactory.create(job__owner=alice)
    for status in ("Not Started", "Starting", "Started"):
        ClusterStatusFactory.create(cluster=cluster, status=status)
    rows = _get(alice, cluster.job, "cluster_statuses/").json()["results"]

    assert [row["status"] for row in rows] == ["Started", "Starting", "Not Started"]


def test_events_are_followed_by_cursor_without_a_hole(alice: User) -> None:
    job = JobFactory.create(owner=alice)
    JobEventFactory.create_batch(7, job=job)
    client = client_of(alice)
    url, seen = f"/api/v2/jobs/{job.pk}/events/?limit=3", []
    while url:
        page = client.get(url).json()
        assert page["count"] == 7
        seen += [event["sequence"] for event in page["results"]]
        url = page["next"]

    assert seen == [1, 2, 3, 4, 5, 6, 7]
    assert _get(alice, job, "events/?after=7").json()["results"] == []
    assert [event["sequence"] for event in _get(alice, job, "events/?after=5").json()["results"]] == [6, 7]


def test_an_event_says_everything(alice: User) -> None:
    job = JobFactory.create(owner=alice)
    JobEventFactory.create(
        job=job, source="node", level="warning", stage="Starting", node="head", message="hm"
    )
    [event] = _get(alice, job, "events/").json()["results"]

    assert event.pop("time").endswith("Z")
    assert event == {
        "sequence": 1,
        "source": "node",
        "level": "warning",
        "stage": "Starting",
        "node": "head",
        "message": "hm",
    }


@pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=0", "limit=x"])
def test_a_bad_cursor_is_refused(alice: User, query: str) -> None:
    answer = _get(alice, JobFactory.create(owner=alice), f"events/?{query}")

    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_the_log_is_a_bare_list_in_which_clients_find_the_address(alice: User, version: str) -> None:
    job = JobFactory.create(owner=alice)
    JobEventFactory.create(job=job)
    JobEventFactory.create(job=job, message=LINE)
    log = client_of(alice).get(f"/api/{version}/jobs/{job.pk}/logs/?limit=10000").json()

    assert [line["sequence"] for line in log] == [1, 2]
    found = [re.match(r".*Command: ssh -i </path/to/key> (\S+);.*", line["message"]) for line in log]
    assert [match.group(1) for match in found if match] == ["uprod_Fotxeb@192.0.2.7"]


def test_a_chatty_program_does_not_push_the_address_out_of_the_log(alice: User) -> None:
    job = JobFactory.create(owner=alice)
    JobEventFactory.create(job=job, message=LINE)
    JobEventFactory.create_batch(20, job=job, source="program")
    log = _get(alice, job, "logs/?limit=5").json()

    assert [line["sequence"] for line in log] == [1, 18, 19, 20, 21]
