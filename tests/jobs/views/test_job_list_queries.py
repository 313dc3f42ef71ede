"""Tabs, search, orders and pages of the list of jobs, as its address asks for them."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from jobs.models import Charge, Cluster, Job
from jobs.states import Observed, Outcome
from jobs.views import list_pages
from jobs.views.list_query import ListQuery, Order, Place, Tab
from tests.jobs.making import cluster_of, saved_job, submitted_job


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def names(page: Client, address: str = "/") -> list[str]:
    """The names of the jobs on that page of the list, in their order."""
    found = re.findall(r'<a class="job-link job-name"[^>]*>(.*?)</a>', html_of(page, address))
    return [unescape(name) for name in found]


def html_of(page: Client, address: str) -> str:
    response = page.get(address if address.startswith("/") else f"/{address}")
    assert response.status_code == 200
    return response.content.decode()


def link(html: str, text: str) -> str:
    """The address of the link to another page that says this; empty without one."""
    found = re.search(rf'href="([^"]*)" rel="[a-z]*">{text}</a>', html)
    return unescape(found[1]) if found else ""


def counts(page: Client, address: str = "/") -> dict[str, str]:
    found = re.findall(r'id="tab-\d"[^>]*>(\w+)\s*<span class="tab-count">([^<]*)<', html_of(page, address))
    return dict(found)


def ended(user: User, name: str, outcome: Outcome) -> Job:
    job = cluster_of(user, Observed.RELEASED, name=name)[0].job
    Job.objects.filter(pk=job.pk).update(outcome=outcome, completed_at=timezone.now())
    return job


def one_of_each(user: User) -> None:
    saved_job(user, name="saved")
    submitted_job(user, name="waiting")
    cluster_of(user, Observed.EXECUTING, name="running")
    ended(user, "worked", Outcome.SUCCEEDED)
    ended(user, "terminated", Outcome.TERMINATED)
    for outcome in list_pages.FAILURES:
        ended(user, f"failed: {outcome}", outcome)


def test_every_job_is_in_one_tab_and_its_count(page: Client, alice: User, bob: User) -> None:
    one_of_each(alice)
    one_of_each(bob)
    expected = {"All": "9", "Running": "1", "Waiting": "1", "Failed": "4", "Completed": "2", "Saved": "1"}
    assert counts(page) == expected
    assert names(page, "?status=running") == ["running"]
    assert names(page, "?status=waiting") == ["waiting"]
    assert names(page, "?status=completed") == ["terminated", "worked"]
    assert names(page, "?status=saved") == ["saved"]
    assert len(names(page, "?status=failed")) == 4
    assert counts(page, "?q=failed") == {**dict.fromkeys(expected, "0"), "All": "4", "Failed": "4"}


def test_counts_stop_at_a_limit(page: Client, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_pages, "COUNTED", 2)
    for number in range(3):
        saved_job(alice, name=f"Job {number}")
    assert counts(page)["All"] == counts(page)["Saved"] == counts(page, "?q=job")["All"] == "2+"
    assert counts(page)["Failed"] == "0"


@pytest.mark.parametrize(
    "text", ["WING", "b-wing ", "a%20B", "cluster-001", "cluster-00", "mesh", "gr%C3%B6%C3%9Fe", "%22fine%22"]
)
def test_a_search_finds_name_handle_and_tags(page: Client, alice: User, text: str) -> None:
    job = submitted_job(alice, name="a b-wing", user_tags=["mesh", "größe", '"fine"'])
    assert job.cluster.handle == "cluster-001"
    saved_job(alice, name="other", user_tags=["100%"])
    assert names(page, f"/?q={text}") == ["a b-wing"]


def test_a_search_finds_an_id(page: Client, alice: User) -> None:
    job = saved_job(alice, name="one")
    saved_job(alice, name="two")
    assert names(page, f"/?q={job.pk}") == ["one"]


@pytest.mark.parametrize("text", ["%25", "_", "%5B", "%22", "%5C", ",", "%5B%5D", "' OR 1=1 --", "<script>"])
def test_a_search_takes_every_character_as_itself(page: Client, alice: User, text: str) -> None:
    saved_job(alice, name="one", user_tags=["two", "three"])
    html = html_of(page, f"/?q={text}")
    assert "No jobs match" in html and "<script>" not in html and not names(page, f"/?q={text}")


def test_what_no_job_can_contain_is_refused_gently(page: Client, alice: User) -> None:
    saved_job(alice, name="one")
    html = html_of(page, "/?q=a%00b&status=failed&sort=-cost")
    assert "Remove it, and search again" in html and "\0" not in html
    query = ListQuery.read({"q": "a\ud800b"})
    assert not query.can_search and query.search == "a\N{REPLACEMENT CHARACTER}b"
    assert len(ListQuery.read({"q": "x" * 5000}).search) == 200


def test_nobody_finds_the_jobs_of_others(page: Client, alice: User, bob: User) -> None:
    job = ended(bob, "theirs", Outcome.FAILED)
    mine = saved_job(alice, name="mine")
    for search in ("theirs", job.pk, "cluster-001", ""):
        for more in ("", "&status=failed", "&sort=-cost", "&sort=name", "&sort=-duration"):
            html = html_of(page, f"/?q={search}{more}")
            assert "theirs</a>" not in html and f"/jobs/{job.pk}/" not in html
    place = Place(job.created_at - timedelta(seconds=1), job.pk)
    assert set(names(page, f"/?before={place}")) <= {mine.name}


def test_a_tab_and_an_order_without_jobs_say_so(page: Client, alice: User) -> None:
    saved_job(alice)
    assert "No job has failed." in html_of(page, "?status=failed")
    html = html_of(page, "?status=failed&q=what")
    assert "No jobs match “what”." in html and 'href="?status=failed"' in html


def test_pages_newest_first_go_there_and_back(page: Client, alice: User) -> None:
    at = timezone.now()
    for number in range(60):
        job = saved_job(alice, name=f"Job {number}")
        # Some at the very same time: no job is left out between two pages.
        Job.objects.filter(pk=job.pk).update(created_at=at + timedelta(seconds=number // 30))
    for sort, on, back in (("", "Older", "Newer"), ("?sort=created", "Newer", "Older")):
        first = html_of(page, sort or "/")
        second = html_of(page, link(first, on))
        third = html_of(page, link(second, on))
        assert not link(first, back) and not link(third, on)
        shown = [names(page, sort or "/"), names(page, link(first, on)), names(page, link(second, on))]
        assert [len(part) for part in shown] == [25, 25, 10]
        assert len({name for part in shown for name in part}) == 60
        assert names(page, link(third, back)) == shown[1]
        assert names(page, link(second, back)) == shown[0]


def test_odd_addresses_are_no_error(page: Client, alice: User) -> None:
    saved_job(alice, name="one")
    for name, values in {
        "page": ["0", "99", "x", "-1", "٣", "9" * 50],
        "status": ["nothing", "\ud800", "ALL"],
        "sort": ["-", "--cost", "owner", "created_at"],
        "after": [
            "x",
            "-",
            "1-",
            "99999999999999999999-a",
            "253402300799999999-a",
            "253402300800000000-a",
            "0-a",
        ],
        "before": ["x", "-1-a", "0-a", "0-\0", "1-é"],
    }.items():
        for value in values:
            assert page.get("/", {name: value.encode("utf-8", "replace")}).status_code == 200, (name, value)
    assert "There are no more jobs." in html_of(page, "?after=0-a")


def test_orders(page: Client, alice: User) -> None:
    now = timezone.now()
    for name, minutes in (("b", 5), ("C", 50), ("a", 20)):
        cluster = cluster_of(alice, Observed.RELEASED, name=name)[0]
        Cluster.objects.filter(pk=cluster.pk).update(
            executing_at=now - timedelta(minutes=60), executed_at=now - timedelta(minutes=60 - minutes)
        )
    saved_job(alice, name="d")
    assert names(page, "?sort=name") == ["a", "b", "C", "d"]
    assert names(page, "?sort=-name") == ["d", "C", "b", "a"]
    assert names(page, "?sort=-duration") == ["C", "a", "b", "d"]
    assert names(page, "?sort=duration") == ["b", "a", "C", "d"]
    html = html_of(page, "?sort=-duration")
    assert 'aria-sort="descending"' in html and "50 min 0 s" in html and "did not run" in html


def test_jobs_are_sorted_by_cost(page: Client, alice: User) -> None:
    for name, seconds in (("cheap", 60), ("dear", 7200), ("middle", 600)):
        charge(cluster_of(alice, Observed.RELEASED, name=name)[0], seconds)
    assert names(page, "?sort=-cost") == ["dear", "middle", "cheap"]
    assert names(page, "?sort=cost") == ["cheap", "middle", "dear"]


def test_sorting_says_when_it_sorted_only_the_newest(
    page: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "c", "b"):
        saved_job(alice, name=name)
    assert "Only the newest" not in html_of(page, "?sort=name")
    monkeypatch.setattr(list_pages, "SORTED", 2)
    for order in ("name", "-cost", "-duration"):
        assert "Only the newest" in html_of(page, f"?sort={order}")
    assert names(page, "?sort=name") == ["b", "c"]


def test_numbered_pages(page: Client, alice: User) -> None:
    for number in range(27):
        saved_job(alice, name=f"Job {number:02}")
    first = html_of(page, "?sort=name&status=saved&q=job")
    assert not link(first, "Previous")
    assert names(page, link(first, "Next")) == ["Job 25", "Job 26"]
    assert names(page, "?sort=name&page=999") == ["Job 25", "Job 26"]
    assert link(html_of(page, link(first, "Next")), "Previous") == "?status=saved&q=job&sort=name&page=1"


def test_links_keep_what_was_chosen() -> None:
    query = ListQuery.read({"status": "failed", "q": "a&b", "sort": "-cost", "page": "3"})
    assert query.in_tab(Tab.RUNNING) == "?status=running&q=a%26b&sort=-cost"
    assert query.sorted_by(Order.COST) == "?status=failed&q=a%26b&sort=cost"
    assert query.sorted_by(Order.NAME) == "?status=failed&q=a%26b&sort=name"
    assert ListQuery().in_tab(Tab.ALL) == "?"


def charge(cluster: Cluster, seconds: int) -> None:
    began = timezone.now().replace(microsecond=0) - timedelta(seconds=seconds)
    Charge.objects.create(
        cluster_id=cluster.pk, job_id=cluster.job_id, node="head", core_type="emerald", cores=1,
        day=began.date(), began_at=began, ended_at=began + timedelta(seconds=seconds), seconds=seconds,
        price_per_core_hour="0.05", currency="USD",
    )  # fmt: skip
