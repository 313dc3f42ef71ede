"""The clusters page: what is up and what was, how it ended, Terminate by handle; all of it one's own."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.audit.trail import SYSTEM
from accounts.models import AuditEvent, User
from jobs.definitions import launching
from jobs.models import Cluster, Job
from jobs.states import Desired, Observed
from tests.jobs.definitions.catalogue import HEAD
from tests.jobs.making import submitted_job

pytestmark = pytest.mark.django_db
LIST = "/clusters/"
MIXED = HEAD + '[[members]]\nprefix = "compute"\ncount = 3\ncore_type = "onyx"\ncores = 2\n'


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def ended(cluster: Cluster, outcome: str, reason: str) -> None:
    Cluster.objects.filter(pk=cluster.pk).update(
        observed_state=Observed.RELEASED, released_at=cluster.created_at + timedelta(minutes=75)
    )
    Job.objects.filter(pk=cluster.job_id).update(
        completed_at=timezone.now(), outcome=outcome, outcome_reason=reason
    )


def test_it_says_what_to_do_when_there_is_none(page: Client) -> None:
    html = page.get(LIST).content.decode()
    assert "No clusters yet" in html
    assert 'href="/clusters/launch/"' in html


def test_it_shows_jobs_clusters_and_launched_ones(page: Client, alice: User) -> None:
    submitted_job(alice, name="Wing", slots=2)
    launching.launch_cluster(SYSTEM, alice, MIXED)
    html = page.get(LIST).content.decode()
    assert html.index("cluster-002") < html.index("cluster-001")
    for text in (
        "Wing",
        "trial",
        "Emerald, Onyx",
        "4 nodes, 7 cores",
        "USD 0.56 per hour",
        "for at most 2 h",
    ):
        assert text in html
    assert 'href="/clusters/launch/?again=cluster-002"' in html
    assert "?again=cluster-001" not in html


def test_it_tells_how_each_ended(page: Client, alice: User) -> None:
    ended(launching.launch_cluster(SYSTEM, alice, HEAD), "succeeded", "Its hours are over")
    ended(launching.launch_cluster(SYSTEM, alice, HEAD), "terminated", "User Terminated")
    broken = launching.launch_cluster(SYSTEM, alice, HEAD)
    Cluster.objects.filter(pk=broken.pk).update(failure="head reported an error.")
    ended(broken, "error", "head reported an error.")
    ended(submitted_job(alice).cluster, "succeeded", "Completed successfully")
    html = page.get(LIST).content.decode()
    for text in (
        "Ended",
        "Its hours are over",
        "Terminated",
        "Cluster error",
        "head reported an error.",
        "Succeeded",
    ):
        assert text in html
    assert "after 1 h 15 min" in html
    assert "/terminate/" not in html


def test_the_report_is_offered_once_there_is_something_to_report(page: Client, alice: User) -> None:
    cluster = launching.launch_cluster(SYSTEM, alice, HEAD)
    link = f'href="/api/v2/jobs/{cluster.job_id}/context-report/"'
    assert link not in page.get(LIST).content.decode()
    Cluster.objects.filter(pk=cluster.pk).update(booting_at=timezone.now())
    assert link in page.get(LIST).content.decode()
    assert page.get(f"/api/v2/jobs/{cluster.job_id}/context-report/").status_code == 200


def test_many_take_few_queries(
    page: Client, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    counts: dict[str, list[int]] = {LIST: [], "/": []}
    for launched in (2, 10):
        for _ in range(launched):
            launching.launch_cluster(SYSTEM, alice, MIXED)
        for path, found in counts.items():
            with django_assert_max_num_queries(30) as queries:
                page.get(path)
            found.append(len(queries))
    assert all(few == many for few, many in counts.values()), counts


def test_terminate_asks_first_and_then_does_it(page: Client, alice: User) -> None:
    launching.launch_cluster(SYSTEM, alice, HEAD)
    asked = page.post(f"{LIST}cluster-001/terminate/").content.decode()
    assert "Terminate cluster-001" in asked
    assert "Files outside the work directory are lost" in asked
    assert Cluster.objects.get().desired_state == Desired.RUNNING
    for said in ("Terminating cluster-001.", "cluster-001 is already being terminated."):
        answer = page.post(f"{LIST}cluster-001/terminate/", {"confirmed": "1"}, follow=True)
        assert said in answer.content.decode()
    assert Cluster.objects.get().desired_state == Desired.STOPPED
    assert AuditEvent.objects.filter(action="jobs:job:stopped").count() == 1


def test_the_definition_is_downloaded_as_it_was_sent(page: Client, alice: User) -> None:
    launching.launch_cluster(SYSTEM, alice, MIXED)
    submitted_job(alice)
    answer = page.get(f"{LIST}cluster-001/definition.toml")
    assert answer.content.decode() == MIXED
    assert answer["Content-Disposition"] == 'attachment; filename="cluster-001.toml"'
    assert page.get(f"{LIST}cluster-002/definition.toml").status_code == 404


@pytest.mark.parametrize("who", ["bob", "charlie"])
def test_a_stranger_finds_nothing(
    request: pytest.FixtureRequest, client: Client, alice: User, who: str
) -> None:
    launching.launch_cluster(SYSTEM, alice, HEAD)
    client.force_login(request.getfixturevalue(who))
    assert "cluster-001" not in client.get(LIST).content.decode()
    assert client.post(f"{LIST}cluster-001/terminate/", {"confirmed": "1"}).status_code == 404
    assert client.get(f"{LIST}cluster-001/definition.toml").status_code == 404
    assert Cluster.objects.get().desired_state == Desired.RUNNING


def test_the_job_page_and_list_show_the_handle_and_all_hardware(page: Client, alice: User) -> None:
    cluster = launching.launch_cluster(SYSTEM, alice, MIXED)
    for path in ("/", f"/jobs/{cluster.job_id}/"):
        html = page.get(path).content.decode()
        assert "cluster-001" in html
        assert "Emerald, Onyx" in html
        assert "7 cores" in html
    assert "USD 0.56" in html
    assert "None. The cluster runs until its hours are over" in html
