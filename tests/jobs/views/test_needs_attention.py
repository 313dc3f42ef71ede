"""What the front page says needs attention: who sees it, why, what can be done, and when it is gone."""

import html
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import services
from accounts.audit.trail import SYSTEM
from accounts.models import Notification, User
from jobs.control import checkpoint
from jobs.events import job_log
from jobs.lifetime.deadline import DeadlineReason
from jobs.models import Cluster, Job
from jobs.states import Desired, LogSource, Observed, Outcome
from jobs.views import attention
from tests.jobs.costs.charges import charge
from tests.jobs.making import cluster_of

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl laptop"


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def block(page: Client) -> str:
    """The text of the block; empty if it is not there."""
    shown = page.get("/").content.decode()
    if 'class="panel attention"' not in shown:
        return ""
    return html.unescape(shown.split('class="panel attention"', 1)[1].split("</section>", 1)[0])


def failed(user: User, name: str = "wing", outcome: Outcome = Outcome.FAILED) -> Job:
    job = cluster_of(user, Observed.RELEASED, name=name)[0].job
    job_log.append(job, LogSource.PROGRAM, "FOAM FATAL ERROR: <no mesh>")
    job_log.append(job, LogSource.PROGRAM, "   ")
    job_log.append(job, LogSource.PROGRAM, "[2026-11-28T08:20:37Z]: Exited with code 3")
    checkpoint.complete(job, outcome, "The command exited with 3", 3)
    return job


def deadline_in(user: User, minutes: int, **fields: object) -> Cluster:
    cluster, _ = cluster_of(user, Observed.EXECUTING)
    now = timezone.now()
    given = {
        "executing_at": now - timedelta(hours=3),
        "deadline_at": now + timedelta(minutes=minutes),
        "deadline_reason": DeadlineReason.WALLTIME,
        **fields,
    }
    Cluster.objects.filter(pk=cluster.pk).update(**given)
    return cluster


def kept_head(user: User, name: str = "kept") -> Cluster:
    cluster, _ = cluster_of(user, Observed.COLLECTED, name=name)
    Job.objects.filter(pk=cluster.job_id).update(completed_at=timezone.now(), outcome=Outcome.SUCCEEDED)
    charge(user, cluster_id=cluster.pk, job_id=cluster.job_id, is_open=True, cores=1)
    return cluster


def test_without_anything_the_block_is_not_there(page: Client, alice: User) -> None:
    deadline_in(alice, 90)
    # A job of one hour that has just begun ends within the hour, as was asked for.
    deadline_in(alice, 59, executing_at=timezone.now())
    assert block(page) == ""


def test_a_failed_job_is_there_with_its_error_until_its_page_was_opened(page: Client, alice: User) -> None:
    job = failed(alice)
    shown = block(page)
    assert "wing" in shown and "The command exited with 3." in shown and f"/jobs/{job.pk}/#job-log" in shown
    assert "FOAM FATAL ERROR: <no mesh></code>" in shown
    assert "<no mesh>" not in page.get("/").content.decode()
    page.get(f"/jobs/{job.pk}/")
    assert block(page) == ""
    assert Notification.objects.get(kind="job_failed").read_at is not None


def test_a_job_that_was_cut_off_is_there_and_one_that_ended_well_is_not(page: Client, alice: User) -> None:
    failed(alice, "cut", Outcome.WALLTIME)
    failed(alice, "well", Outcome.SUCCEEDED)
    assert "cut" in block(page) and "well" not in block(page)


def test_a_failure_of_long_ago_or_of_a_deleted_job_is_not_there(page: Client, alice: User) -> None:
    failed(alice)
    Notification.objects.update(at=timezone.now() - attention.FAILED_WITHIN)
    assert block(page) == ""
    failed(alice, "deleted").delete()
    assert block(page) == ""


def test_many_failures_lead_to_the_tab_that_has_all(page: Client, alice: User) -> None:
    for number in range(attention.MOST + 2):
        failed(alice, f"wing {number}")
    shown = block(page)
    assert shown.count("Open the log:") == attention.MOST and 'href="/?status=failed"' in shown


def test_a_deadline_within_the_hour_can_be_extended(page: Client, alice: User) -> None:
    cluster = deadline_in(alice, 59)
    shown = block(page)
    assert "Ends soon. The job's walltime is over then." in shown
    assert f'href="/jobs/{cluster.job_id}/extend/"' in shown


@pytest.mark.parametrize(
    "fields",
    [{"desired_state": Desired.STOPPED}, {"observed_state": Observed.RELEASING}, {"deadline_at": None}],
)
def test_a_cluster_that_ends_anyway_needs_nothing(
    page: Client, alice: User, fields: dict[str, object]
) -> None:
    deadline_in(alice, 30, **fields)
    assert block(page) == ""


def test_an_idle_limit_is_near_in_its_second_half(page: Client, alice: User) -> None:
    """While somebody uses the cluster, its end is always less than the limit away."""
    now, long_ago = timezone.now(), timezone.now() - timedelta(hours=9)
    fields = {"deadline_reason": "idle", "executing_at": long_ago, "created_at": long_ago}
    used = deadline_in(alice, 50, **fields, active_at=now - timedelta(minutes=10))
    assert used.job.name not in block(page)
    left = deadline_in(alice, 20, **fields, active_at=now - timedelta(minutes=40))
    assert f"/jobs/{left.job_id}/" in block(page)


def test_a_kept_head_node_says_its_price_and_can_be_terminated(page: Client, alice: User) -> None:
    cluster = kept_head(alice)
    shown = block(page)
    assert "Head node still running: USD 0.05 per hour." in shown
    assert f'action="/jobs/{cluster.job_id}/terminate/"' in shown and "data-confirm=" in shown


def test_a_key_that_expires_within_a_week_is_there(page: Client, alice: User) -> None:
    key = services.add_ssh_key(SYSTEM, alice, "laptop", KEY)
    assert block(page) == ""
    key.expires_at = timezone.now() + timedelta(days=6)
    key.save()
    assert "This SSH key expires soon." in block(page) and "/settings/job/#keys" in block(page)


def test_nobody_sees_what_concerns_others(page: Client, bob: User) -> None:
    job = failed(bob)
    deadline_in(bob, 30)
    kept_head(bob)
    assert block(page) == ""
    assert page.get(f"/jobs/{job.pk}/").status_code == 404
    assert Notification.objects.get(kind="job_failed").read_at is None


def test_a_notification_about_a_job_of_somebody_else_shows_nothing_of_it(
    page: Client, alice: User, bob: User
) -> None:
    failed(bob)
    Notification.objects.update(person=alice)
    assert block(page) == ""


def test_the_block_costs_the_same_number_of_queries_however_much_is_in_it(page: Client, alice: User) -> None:
    def queries(times: int) -> int:
        for number in range(times):
            failed(alice, f"wing {number}")
            deadline_in(alice, 30)
            kept_head(alice)
        with CaptureQueriesContext(connection) as asked:
            page.get("/")
        return len(asked)

    assert queries(1) == queries(6)
