"""The list of jobs."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
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


def test_long_lists_have_pages_and_bad_page_numbers_are_no_error(page: Client, alice: User) -> None:
    for number in range(27):
        saved_job(alice, name=f"Job {number}")
    assert "Page 1 of 2" in page.get("/").content.decode()
    assert "Job 0<" in page.get("/?page=2").content.decode()
    for odd in ("0", "99", "x", "-1"):
        assert page.get("/", {"page": odd}).status_code == 200


def test_a_list_costs_the_same_number_of_queries_however_long(page: Client, alice: User) -> None:
    def queries(jobs: int) -> int:
        for number in range(jobs):
            submitted_job(alice, name=f"Job {number}")
        with CaptureQueriesContext(connection) as asked:
            page.get("/")
        return len(asked)

    assert queries(1) == queries(19)
