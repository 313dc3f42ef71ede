"""The list of jobs."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from jobs.models import Job
from tests.jobs.making import saved_job, submitted_job


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def test_an_empty_list_says_what_to_do_next(page: Client) -> None:
    html = page.get("/").content.decode()
    assert "No jobs yet" in html and "First steps" in html and "Run the sample" in html


def test_jobs_show_their_status_newest_first(page: Client, alice: User) -> None:
    saved_job(alice, name="Earlier")
    submitted_job(alice, name="Later")
    html = page.get("/").content.decode()
    assert html.index("Later") < html.index("Earlier")
    assert "Pending" in html and "Saved" in html


def test_a_list_costs_the_same_number_of_queries_however_long(page: Client, alice: User) -> None:
    def queries(jobs: int, path: str = "/") -> int:
        for number in range(jobs):
            submitted_job(alice, name=f"Job {number}")
        with CaptureQueriesContext(connection) as asked:
            page.get(path)
        return len(asked)

    assert queries(1) == queries(29)
    Job.objects.all().delete()
    for path in ("/?sort=-cost", "/?sort=-duration", "/?sort=name", "/?q=Job", "/?status=waiting"):
        one = queries(1, path)
        assert queries(29, path) == one, path
        Job.objects.all().delete()
