"""The list of jobs: what it says, its filters and pages, and what it costs."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from jobs.models import Job
from jobs.states import Observed
from tests.api import client_of
from tests.factories import (
    AccessRuleFactory,
    ClusterFactory,
    ClusterStatusFactory,
    JobEventFactory,
    JobFactory,
    JobStatusFactory,
    NodeFactory,
    SSHKeyFactory,
    StoredFileFactory,
    TerminalSessionFactory,
)
from tests.jobs.api.test_cost import running_job

pytestmark = pytest.mark.django_db
URL = "/api/v2/jobs/"


@pytest.fixture
def three(alice: User) -> dict[str, str]:
    """One saved, one running, one completed; made in this order."""
    saved = JobFactory.create(owner=alice, name="saved")
    running = ClusterFactory.create(job__owner=alice, job__name="running").job
    JobStatusFactory.create(job=running, status="Executing")
    done = ClusterFactory.create(job__owner=alice, job__name="done", observed_state=Observed.RELEASED).job
    JobStatusFactory.create(job=done, status="Completed")
    Job.objects.filter(pk=done.pk).update(completed_at=timezone.now())
    StoredFileFactory.create(owner=alice, job=done, content=b"12345")
    StoredFileFactory.create(owner=alice, job=done, content=b"678")
    return {"saved": saved.pk, "running": running.pk, "done": done.pk}


def _names(user: User, query: str = "") -> list[str]:
    return [job["name"] for job in client_of(user).get(f"{URL}?{query}").json()["results"]]


def test_a_summary_says_what_rescale_says(alice: User, three: dict[str, str]) -> None:
    done, running, saved = client_of(alice).get(URL).json()["results"]

    assert set(done) == {
        "id", "name", "owner", "dateInserted", "analysisNames", "jobStatus", "clusterStatusDisplay", "sharedWith",
        "isVisible", "storage", "cost",
    }  # fmt: skip
    assert done["jobStatus"] == {"content": "Completed", "labelClass": "", "useLabel": False}
    assert done["clusterStatusDisplay"]["content"] == "Stopped"
    assert done["storage"] == 8
    assert running["jobStatus"] == {"content": "Executing", "labelClass": "label-success", "useLabel": True}
    assert running["clusterStatusDisplay"]["content"] == "Started"
    assert running["analysisNames"] == ["Bring Your Own Software"]
    assert saved["clusterStatusDisplay"]["content"] == "Not Started"


def test_a_summary_says_what_the_job_costs(alice: User) -> None:
    job = running_job(alice)
    [summary] = client_of(alice).get(URL).json()["results"]
    cost = client_of(alice).get(f"{URL}{job.pk}/cost/").json()
    [cluster] = client_of(alice).get("/api/v2/clusters/").json()["results"]
    for found in (summary["cost"], cluster["cost"]):
        assert set(found) == {"currency", "accrued", "ratePerHour", "projected", "projectedFor"}
        assert (found["currency"], found["ratePerHour"], found["projectedFor"]) == (
            "USD",
            "0.400000",
            "deadline",
        )
        assert Decimal("0.266666") <= Decimal(found["accrued"]) <= Decimal(cost["accrued"]) + Decimal("0.01")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["done", "running", "saved"]),
        ("t=1", ["running"]),
        ("state=completed", ["done"]),
        ("state=not_completed", ["running", "saved"]),
        ("job_status=EXECUTING", ["running"]),
        ("job_status=COMPLETED&job_status=EXECUTING", ["done", "running"]),
        ("job_status=FORCE_STOP", []),
        ("ordering=dateInserted", ["saved", "running", "done"]),
        ("ordering=-dateInserted", ["done", "running", "saved"]),
        ("ordering=name", ["done", "running", "saved"]),
        ("search=un", ["running"]),
    ],
)
def test_the_filters(alice: User, three: dict[str, str], query: str, names: list[str]) -> None:
    assert _names(alice, query) == names


@pytest.mark.parametrize("query", ["state=half", "job_status=HUNGRY"])
def test_a_filter_nobody_knows_is_refused(alice: User, query: str) -> None:
    answer = client_of(alice).get(f"{URL}?{query}")

    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()


def test_only_ones_own(alice: User, bob: User, three: dict[str, str]) -> None:
    assert _names(bob) == []


def test_pages_are_ten_long_and_can_be_very_long(alice: User) -> None:
    JobFactory.create_batch(25, owner=alice)
    client = client_of(alice)
    page = client.get(f"{URL}?ordering=name").json()

    assert (page["count"], len(page["results"]), page["previous"]) == (25, 10, None)
    assert page["next"] == "http://testserver/api/v2/jobs/?ordering=name&page=2"
    assert client.get(page["next"]).json()["previous"] == "http://testserver/api/v2/jobs/?ordering=name"
    assert len(client.get(f"{URL}?page_size=1848").json()["results"]) == 25
    assert client.get(f"{URL}?page=9").status_code == 404


def _fill(owner: User, job: Job, count: int) -> None:
    SSHKeyFactory.create_batch(count, owner=owner)
    AccessRuleFactory.create_batch(count, owner=owner)
    TerminalSessionFactory.create_batch(count, owner=owner)
    StoredFileFactory.create_batch(count, owner=owner, job=job)
    for number in range(count):
        cluster = ClusterFactory.create(job__owner=owner)
        StoredFileFactory.create(owner=owner, job=cluster.job)
        JobEventFactory.create(job=job)
        NodeFactory.create(cluster=job.cluster, name=f"compute-{job.cluster.nodes.count()}")
        if number < 2:
            JobStatusFactory.create(
                job=job, status=["Queued", "Started", "Validated"][job.statuses.count() - 1]
            )
            names = ["Starting", "Started", "Stopping"]
            ClusterStatusFactory.create(cluster=job.cluster, status=names[job.cluster.statuses.count()])


LISTS = [
    "users/me/ssh-keys/", "users/me/access-rules/", "coretypes/", "analyses/", "billing/computeprices/", "jobs/",
    "files/", "terminal-sessions/", "jobs/{id}/statuses/", "jobs/{id}/cluster_statuses/", "jobs/{id}/events/",
    "jobs/{id}/logs/", "jobs/{id}/instances/", "jobs/{id}/connection_details/", "jobs/{id}/known-hosts/",
    "jobs/{id}/files/", "jobs/{id}/runs/", "jobs/{id}/runs/1/files/",
]  # fmt: skip


def test_no_list_asks_the_database_more_for_more_rows(alice: User) -> None:
    job = ClusterFactory.create(job__owner=alice).job
    client = client_of(alice)
    _fill(alice, job, 1)
    few = {path: _queries(client, path, job) for path in LISTS}
    _fill(alice, job, 4)

    assert {path: _queries(client, path, job) for path in LISTS} == few
    assert few.pop("jobs/") <= 9  # what the page's jobs cost: four more, whatever their number
    assert max(few.values()) <= 5


def _queries(client: Any, path: str, job: Job) -> int:
    client.get("/api/v2/users/me/")  # the token's own bookkeeping is done
    with CaptureQueriesContext(
        connection,
    ) as asked:
        answer = client.get(f"/api/v2/{path.format(id=job.pk)}?page_size=100")
    assert answer.status_code == 200
    return len(asked)
