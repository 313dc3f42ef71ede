"""The deadline on the job page, and the page of orphaned clusters, in Chromium: the countdown and buttons work."""

import re
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import User
from jobs.models import Cluster, Job, OrphanCluster
from jobs.states import Observed
from tests.browser.accessibility import findings
from tests.browser.conftest import SignIn
from tests.jobs.making import cluster_of

pytestmark = pytest.mark.browser
HOUR = timedelta(hours=1)


@pytest.fixture
def cluster(alice: User) -> Cluster:
    """Alice's command has 14 minutes left of its hour."""
    made, _ = cluster_of(alice, Observed.EXECUTING, walltime_hours=1)
    now = timezone.now()
    Cluster.objects.filter(pk=made.pk).update(
        executing_at=now - timedelta(minutes=46),
        deadline_at=now + timedelta(minutes=14),
        deadline_reason="walltime",
        next_check_at=now + HOUR,
    )
    return Cluster.objects.get(pk=made.pk)


@pytest.mark.parametrize("width", [360, 1440])
def test_the_countdown_runs_and_one_press_gives_an_hour(
    sign_in: SignIn, alice: User, cluster: Cluster, width: int
) -> None:
    page = sign_in(alice, viewport={"width": width, "height": 800})
    page.goto(f"/jobs/{cluster.job_id}/")
    near = page.locator("#deadline-near")
    expect(near).to_contain_text("The cluster terminates in 13 min")
    before = near.inner_text()
    expect(near).not_to_have_text(before, timeout=5000)
    assert findings(page) == []
    near.get_by_role("button", name="Extend by 1 hour").click()
    expect(page.get_by_text(re.compile("^The cluster can run until"))).to_be_visible()
    expect(page.locator("#job-deadline")).to_contain_text("1 h 13 min")
    expect(page.locator("#deadline-near")).to_have_count(0)
    assert Job.objects.get(pk=cluster.job_id).walltime == 2 * HOUR


def test_until_is_asked_in_the_persons_own_time(sign_in: SignIn, alice: User, cluster: Cluster) -> None:
    page = sign_in(alice, timezone_id="Asia/Tokyo")
    page.goto(f"/jobs/{cluster.job_id}/")
    field = page.get_by_label("Until")
    assert cluster.deadline_at is not None
    there = (cluster.deadline_at + 9 * HOUR).strftime("%Y-%m-%dT%H:%M")
    expect(field).to_have_value(there)
    wanted = datetime.fromisoformat(there) + 3 * HOUR
    field.fill(wanted.strftime("%Y-%m-%dT%H:%M"))
    page.get_by_role("button", name="Extend", exact=True).click()
    expect(page.get_by_text(re.compile("^The cluster can run until"))).to_be_visible()
    cluster.refresh_from_db()
    assert cluster.deadline_at is not None
    assert cluster.deadline_at.replace(tzinfo=None) == wanted - 9 * HOUR


@pytest.mark.parametrize("width", [360, 1440])
def test_an_administrator_terminates_an_orphaned_cluster(sign_in: SignIn, alice: User, width: int) -> None:
    alice.is_superuser = True
    alice.save()
    nodes = [{"name": "head", "core_type": "emerald", "cores": 2, "state": "running"}]
    now = timezone.now()
    for number in range(2):
        OrphanCluster.objects.create(
            provider="simulated",
            cluster_id=f"Gone0{number}",
            kind="no_row",
            nodes=nodes,
            cost_per_hour=1,
            currency="USD",
            ordered_at=now - 3 * HOUR,
            remove_at=now + HOUR,
        )
    page = sign_in(alice, viewport={"width": width, "height": 800})
    page.goto("/")
    page.get_by_role("button", name="Menu of alice").click()
    page.get_by_role("link", name="Orphaned clusters").click()
    expect(page.locator("#orphans li")).to_have_count(2)
    expect(page.get_by_text("2 clusters, USD 2.00 per hour")).to_be_visible()
    assert findings(page) == []
    page.get_by_role("button", name="Terminate cluster Gone01").click()
    page.get_by_role("dialog").get_by_role("button", name="Terminate").click()
    expect(page.get_by_text("Cluster Gone01 is being terminated.")).to_be_visible()
    expect(page.locator("#orphans li", has_text="Gone01")).to_contain_text("requested by alice")
    assert OrphanCluster.objects.get(cluster_id="Gone00").removal_asked_at is None
