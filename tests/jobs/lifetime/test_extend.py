"""Extending a cluster: by the function, the API and the page, and against the loop that was about to end it."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEvent, User
from accounts.refusals import Refused
from jobs.control import claim, owner_intent
from jobs.lifetime import deadline_store, extending
from jobs.models import Cluster, Job
from jobs.states import Observed
from tests.api import client_of
from tests.jobs.making import actor, cluster_of, saved_job

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def running(owner: User, **change: Any) -> Cluster:
    """Return a cluster whose command started now, as a pass leaves it."""
    cluster, _ = cluster_of(owner, Observed.EXECUTING, **{"walltime_hours": 1, **change})
    Cluster.objects.filter(pk=cluster.pk).update(executing_at=timezone.now())
    held = claim.acquire(cluster.pk)
    assert held is not None
    owner_intent.reread(held)
    deadline_store.correct(held)
    claim.release(held, timedelta(minutes=5))
    return Cluster.objects.select_related("job__owner").get(pk=cluster.pk)


def url(job: Job) -> str:
    return f"/api/v2/jobs/{job.pk}/extend/"


def test_the_walltime_and_the_deadline_move_together_and_the_loop_hears_of_it(alice: User) -> None:
    cluster = running(alice)
    before = cluster.deadline_at
    assert before is not None
    answer = client_of(alice).post(url(cluster.job), {"seconds": 3600}, format="json")
    cluster.refresh_from_db()
    job = Job.objects.get(pk=cluster.job_id)
    assert answer.status_code == 200, answer.json()
    moment = (before + HOUR).isoformat().replace("+00:00", "Z")
    assert answer.json() == {"deadline": moment, "reason": "walltime"}
    assert (cluster.deadline_at, job.walltime) == (before + HOUR, 2 * HOUR)
    assert cluster.next_check_at is not None
    assert cluster.next_check_at <= timezone.now()
    assert "alice extended the deadline" in job.events.latest("sequence").message
    assert AuditEvent.objects.filter(action="jobs:job:extended", object_id=job.pk).count() == 1
    shown = client_of(alice).get(f"/api/v2/jobs/{job.pk}/").json()
    assert (shown["deadline"], shown["deadlineReason"]) == (moment, "walltime")
    assert shown["deadlineLatest"] > shown["deadline"]


def test_until_a_moment_and_again_changes_nothing_more(alice: User) -> None:
    cluster = running(alice)
    until = (timezone.now() + 5 * HOUR).replace(microsecond=0)
    for _ in range(2):
        answer = client_of(alice).post(url(cluster.job), {"until": until.isoformat()}, format="json")
        assert answer.status_code == 200
    cluster.refresh_from_db()
    assert cluster.deadline_at == until
    assert cluster.job.events.filter(message__contains="extended the deadline").count() == 1


@pytest.mark.parametrize(
    ("body", "status", "reason", "words"),
    [
        ({"seconds": 500 * 3600}, 400, "beyond_policy", "The administrator allows this cluster until"),
        ({}, 400, "bad_extension", "Say either how many seconds more"),
        ({"seconds": 0}, 400, None, "greater than or equal to 1"),
        ({"seconds": True}, 400, None, "A whole number is needed."),
        ({"until": "soon"}, 400, None, "Datetime has wrong format"),
        ({"until": "2020-01-01T00:00:00Z"}, 400, "bad_extension", "To end it earlier, terminate it."),
    ],
)
def test_bad_requests_get_a_sentence(
    alice: User, body: dict[str, Any], status: int, reason: str | None, words: str
) -> None:
    cluster = running(alice)
    answer = client_of(alice).post(url(cluster.job), body, format="json")
    assert answer.status_code == status
    assert words in str(answer.json())
    assert answer.json().get("reason") == reason
    assert Job.objects.get(pk=cluster.job_id).walltime == HOUR


def test_in_the_wrong_state_it_is_409_with_the_state(alice: User) -> None:
    cluster, _ = cluster_of(alice, Observed.BOOTING)
    answer = client_of(alice).post(url(cluster.job), {"seconds": 60}, format="json")
    assert (answer.status_code, answer.json()["reason"]) == (409, "nothing_to_extend")
    assert answer.json()["clusterState"] == "Starting"
    saved = saved_job(alice)
    answer = client_of(alice).post(url(saved), {"seconds": 60}, format="json")
    assert (answer.status_code, answer.json()["reason"]) == (409, "not_submitted")


def test_others_do_not_even_see_it(alice: User, charlie: User) -> None:
    cluster = running(alice)
    assert client_of(charlie).post(url(cluster.job), {"seconds": 60}, format="json").status_code == 404
    stranger = Client()
    stranger.force_login(charlie)
    assert stranger.post(f"/jobs/{cluster.job_id}/extend/", {"seconds": "60"}).status_code == 404


def test_of_the_loop_that_ends_it_and_an_extension_one_is_first(alice: User) -> None:
    cluster = running(alice)
    late = timezone.now() - timedelta(seconds=1)
    Cluster.objects.filter(pk=cluster.pk).update(
        deadline_at=late, executing_at=late - HOUR, next_check_at=late
    )
    held = claim.acquire(cluster.pk)
    assert held is not None
    assert deadline_store.close_to_extensions(held)
    with pytest.raises(Refused) as caught:
        extending.extend_job(actor(alice), cluster.job, by=HOUR)
    assert caught.value.reason == "deadline_passed"
    # The other way round: extended in time, so that the pass that thought it was over does not end it.
    ahead = timezone.now() + timedelta(seconds=30)
    Cluster.objects.filter(pk=cluster.pk).update(deadline_at=ahead, executing_at=ahead - HOUR)
    extending.extend_job(actor(alice), cluster.job, by=HOUR)
    assert not deadline_store.close_to_extensions(held)


def test_the_page_shows_it_and_its_buttons_move_it(alice: User) -> None:
    cluster = running(alice)
    browser = Client()
    browser.force_login(alice)
    page = browser.get(f"/jobs/{cluster.job_id}/").content.decode()
    assert 'id="deadline-why"' in page
    assert "Extend by 4 hours" in page
    assert "deadline-near" not in page  # its whole hour is left
    soon = timezone.now() + timedelta(minutes=14)
    Cluster.objects.filter(pk=cluster.pk).update(deadline_at=soon, executing_at=soon - HOUR)
    assert "deadline-near" in browser.get(f"/jobs/{cluster.job_id}/").content.decode()
    answer = browser.post(f"/jobs/{cluster.job_id}/extend/", {"seconds": "14400"}, follow=True)
    assert "The cluster can run until" in answer.content.decode()
    assert "deadline-near" not in answer.content.decode()
    assert Job.objects.get(pk=cluster.job_id).walltime == 5 * HOUR
    for wrong in ({"until": "soon"}, {"until": "2026-99-99T00:00"}, {"seconds": "-1"}, {}):
        answer = browser.post(f"/jobs/{cluster.job_id}/extend/", wrong)
        assert answer.status_code == 400
        assert (
            "Enter a date and a time." in answer.content.decode()
            or "positive number" in answer.content.decode()
        )


def test_a_setting_that_changed_is_corrected_by_the_next_pass(alice: User, settings: Settings) -> None:
    cluster = running(alice)
    settings.HEADNODE_LONGEST_LIFE = timedelta(minutes=10)
    Cluster.objects.filter(pk=cluster.pk).update(next_check_at=timezone.now())
    held = claim.acquire(cluster.pk)
    assert held is not None
    deadline_store.correct(held)
    held.refresh_from_db()
    assert (held.deadline_at, held.deadline_reason) == (
        held.created_at + timedelta(minutes=10),
        "longest_life",
    )
