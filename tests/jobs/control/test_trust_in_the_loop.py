"""While the head node shows another host key the loop waits and does not talk to it, until somebody or time decides."""

from datetime import timedelta

import pytest
from django.conf import settings

from accounts.audit.trail import Actor
from accounts.models import User
from jobs.access import host_key_alarm
from jobs.control.decisions import Step
from jobs.models import Job, Node
from jobs.states import Observed
from tests.fakes.cloud import World, later
from tests.fakes.connections import SHOWN_INSTEAD
from tests.jobs.isolated_portal import IsolatedPortal
from tests.jobs.one_job import LoopOfOneJob

pytestmark = pytest.mark.django_db


@pytest.fixture
def loop(alice: User, monkeypatch: pytest.MonkeyPatch) -> LoopOfOneJob:
    found = LoopOfOneJob(IsolatedPortal(monkeypatch), alice)
    found.run_command()
    return found


def distrusted(loop: LoopOfOneJob) -> World:
    """Let the head show another key, and the loop notice."""
    loop.head.shows_another_key = True
    loop.passes(2)
    assert "Host key alarm" in loop.messages()
    assert SHOWN_INSTEAD in loop.messages()
    return loop.world


def test_it_waits_without_talking_to_the_node_until_the_alarm_is_cleared(
    loop: LoopOfOneJob, admin: User
) -> None:
    world = distrusted(loop)
    logins, waited = world.logins, loop.portal.steps[Step.WAIT_FOR_TRUST]
    loop.head.shows_another_key = False
    loop.head.end_command(0)
    loop.passes(4)
    assert loop.portal.steps[Step.WAIT_FOR_TRUST] == waited + 4
    assert (world.logins, loop.cluster.observed_state) == (logins, Observed.EXECUTING)
    head = Node.objects.get(cluster=loop.cluster)
    assert host_key_alarm.clear_host_key_alarm(Actor(admin, "127.0.0.1", "web"), head)
    loop.passes(8)
    loop.job.refresh_from_db()
    assert (loop.job.outcome, loop.cluster.observed_state) == ("succeeded", Observed.RELEASED)
    assert world.logins > logins


def test_a_key_that_stays_another_one_raises_the_alarm_again(loop: LoopOfOneJob, admin: User) -> None:
    distrusted(loop)
    head = Node.objects.get(cluster=loop.cluster)
    assert host_key_alarm.clear_host_key_alarm(Actor(admin, "127.0.0.1", "web"), head)
    loop.passes(3)
    head.refresh_from_db()
    assert head.host_key_alarm_at is not None
    assert loop.messages().count("Host key alarm: head shows") == 2


def test_nobody_clears_it_in_time(loop: LoopOfOneJob) -> None:
    Job.objects.filter(pk=loop.job.pk).update(walltime=timedelta(days=30))
    world = distrusted(loop)
    later(world, settings.HEADNODE_KEPT_HEAD_LIMIT.total_seconds())
    loop.passes(4)
    loop.job.refresh_from_db()
    assert (loop.job.outcome, loop.cluster.observed_state) == ("error", Observed.RELEASED)
    assert "nobody cleared the alarm" in loop.messages()
    assert world.clusters == {}
