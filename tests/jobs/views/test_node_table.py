"""The nodes table of the job page: phases, boot streams and what is said of those who did not come up."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from jobs.context import broker
from jobs.context.tokens import token_of
from jobs.durations import short_duration_text
from jobs.models import Cluster, Node
from jobs.states import Observed
from jobs.views.node_rows import node_rows_of
from tests.jobs.context.test_boot_stream import BOOT, REGISTRATION, line
from tests.jobs.making import cluster_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster(alice: User) -> Cluster:
    """Two nodes; the head has told of its boot."""
    found, _ = cluster_of(alice, slots=2)
    token = token_of(found.pk, "head")
    broker.register(token, REGISTRATION, "")
    broker.progress(token, {"lines": BOOT}, "")
    return found


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def test_each_node_has_its_phases_and_what_it_said_last(cluster: Cluster) -> None:
    head, compute = node_rows_of(cluster)
    assert [(cell.name, cell.state, cell.took) for cell in head.phases] == [
        ("Hosts", "ok", "1.5 s"),
        ("Peers", "ok", "5.0 s"),
        ("This host", "ahead", ""),
        ("Data", "error", "3.0 s"),
        ("Finalize", "ahead", ""),
    ]
    assert head.now is not None
    assert (head.now.name, head.last) == ("Data", "exit status 3")
    assert (compute.phases, compute.now, compute.last) == ([], None, "")


def test_what_goes_on_shows_since_when(cluster: Cluster) -> None:
    waiting = line(20, "waiting for server", "finalize", "wait")
    broker.progress(token_of(cluster.pk, "head"), {"lines": [waiting]}, "")
    now = node_rows_of(cluster)[0].now
    assert now is not None
    assert (now.state_name, now.since) == ("waiting", datetime(2026, 1, 1, 0, 0, 20, tzinfo=UTC))


def test_the_page_shows_it_and_the_stream_comes_in_pieces(cluster: Cluster, page: Client) -> None:
    html = page.get(f"/jobs/{cluster.job_id}/").content.decode()
    assert "0 of 2 up" in html
    assert "Data failed" in html
    assert f"/api/v2/jobs/{cluster.job_id}/context-report/" in html
    assert 'id="boot-compute-1"' not in html  # it has said nothing
    url = f"/jobs/{cluster.job_id}/nodes/head/boot/"
    assert url in html
    whole = page.get(url).content.decode()
    assert whole.count("data-seq=") == len(BOOT)
    assert page.get(f"{url}?after=8").content.decode().count("data-seq=") == 1
    assert page.get(f"{url}?after=x").content.decode() == whole


def test_what_a_node_says_is_text_and_nothing_else(cluster: Cluster, page: Client) -> None:
    evil = line(30, "<script>alert(1)</script>")
    broker.progress(token_of(cluster.pk, "head"), {"lines": [evil]}, "")
    for url in (f"/jobs/{cluster.job_id}/", f"/jobs/{cluster.job_id}/nodes/head/boot/"):
        html = page.get(url).content.decode()
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert(1)" in html


def test_the_whole_log_as_text(cluster: Cluster, page: Client) -> None:
    url = f"/jobs/{cluster.job_id}/nodes/head/boot.txt"
    assert "data: ERROR exit status 3" in page.get(url).content.decode()
    broker.report(token_of(cluster.pk, "head"), {"outcome": "error", "log": "as reported\n"}, "")
    answer = page.get(url)
    assert answer.content == b"as reported\n"
    assert answer["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("path", ["nodes/head/boot/", "nodes/head/boot.txt"])
def test_others_see_nothing(cluster: Cluster, client: Client, bob: User, charlie: User, path: str) -> None:
    url = f"/jobs/{cluster.job_id}/{path}"
    assert client.get(url).status_code == 302
    for other in (bob, charlie):
        client.force_login(other)
        assert client.get(url).status_code == 404


def test_a_node_there_is_not(cluster: Cluster, page: Client) -> None:
    assert page.get(f"/jobs/{cluster.job_id}/nodes/compute-9/boot/").status_code == 404


def held(cluster: Cluster, **head: Any) -> None:
    until = timezone.now() + timedelta(hours=2)
    Cluster.objects.filter(pk=cluster.pk).update(
        observed_state=Observed.HELD, failure="head reported an error.", deadline_at=until
    )
    cluster.nodes.filter(name="head").update(**head)


def test_a_held_cluster_says_so_and_what_is_up_can_be_reached(cluster: Cluster, page: Client) -> None:
    held(cluster, state=Node.State.RUNNING, verified_at=timezone.now(), report_outcome="error")
    html = page.get(f"/jobs/{cluster.job_id}/").content.decode()
    assert "Held for debugging." in html
    assert "Not ready" in html
    assert 'id="open-head"' in html
    assert 'id="terminate-button"' in html
    assert "The cluster did not come up." not in html


def test_and_when_its_head_is_not_up_that_is_said(cluster: Cluster, page: Client) -> None:
    held(cluster)
    assert "The head node did not come up." in page.get(f"/jobs/{cluster.job_id}/").content.decode()


def test_who_is_left_out_is_said_to_be(cluster: Cluster, page: Client) -> None:
    cluster.nodes.filter(name="compute-1").update(
        left_out=True, state=Node.State.FAILED, reason="Left out: it did not come up."
    )
    html = page.get(f"/jobs/{cluster.job_id}/").content.decode()
    assert "Left out" in html
    assert "it did not come up" in html


def test_many_nodes_cost_no_more_queries_than_two(
    alice: User, bob: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    few, _ = cluster_of(alice, slots=2)
    many, _ = cluster_of(bob, slots=40)
    for cluster in (few, many):
        with django_assert_max_num_queries(5):
            node_rows_of(cluster)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 ms"), (0.0412, "41 ms"), (3.24, "3.2 s"), (12.9, "12 s"), (75, "1 min 15 s")]
)
def test_short_durations(seconds: float, text: str) -> None:
    assert short_duration_text(timedelta(seconds=seconds)) == text
