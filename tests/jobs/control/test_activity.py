"""The loop looks at the nodes: what they show moves the idle deadline, and one that does not answer holds nobody."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from jobs.control import activity
from jobs.control.node_share import SHARES, ShareUsedUp
from jobs.lifetime import activity_report, deadline_store, idle_limit
from jobs.models import Cluster, Job, Node, NodeActivity
from jobs.models.claims import worker_name
from jobs.node_contract.activity import ActivityReport, SessionKind, SessionReport, TerminalReport
from jobs.states import Observed
from sshgateway.ssh import transport
from sshgateway.ssh.errors import Unreachable
from tests.api import client_of
from tests.jobs.making import HOST_KEYS, cluster_of

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = timedelta(minutes=1)
Answer = Callable[[], ActivityReport]


def quiet() -> ActivityReport:
    """A node that nobody uses."""
    return ActivityReport(clock=time.monotonic(), processor=0)


@pytest.fixture(autouse=True)
def limit(settings: Settings) -> None:
    settings.HEADNODE_IDLE_MINUTES = 60


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Answer]:
    """What each node answers by its address; one that is not here cannot be reached."""
    found: dict[str, Answer] = {}

    @contextmanager
    def connect(target: Any, **words: Any) -> Iterator[str]:
        if target.address not in found:
            raise Unreachable(target.address)
        yield target.address

    monkeypatch.setattr(transport, "connect", connect)
    monkeypatch.setattr(activity, "read_activity", lambda address: found[address]())
    return found


@pytest.fixture
def cluster(alice: User) -> Cluster:
    """A cluster for people with two nodes, which this worker has claimed; it was ready half an hour ago."""
    made, nodes = cluster_of(alice, Observed.EXECUTING, slots=2, walltime_hours=10)
    Job.objects.filter(pk=made.job_id).update(command="")
    Cluster.objects.filter(pk=made.pk).update(
        claimed_by=worker_name(), executing_at=timezone.now() - 30 * MINUTE
    )
    for number, node in enumerate(nodes):
        Node.objects.filter(pk=node.pk).update(
            state=Node.State.RUNNING,
            address=f"127.20.0.{5 + number}",
            port=32100,
            host_keys=[HOST_KEYS[0]],
            registered_at=timezone.now(),
            verified_at=timezone.now(),
        )
    return again(made)


def again(cluster: Cluster) -> Cluster:
    return Cluster.objects.select_related("job__owner").get(pk=cluster.pk)


def look(cluster: Cluster) -> Cluster:
    """Look now, whenever the last time was, and save the deadline."""
    cluster.looked_at = None
    activity.look(cluster)
    deadline_store.correct(cluster)
    return again(cluster)


def idle_for(cluster: Cluster) -> timedelta:
    found = activity_report.activity_of(cluster)
    assert found is not None
    return timezone.now() - found.last_at


def test_a_quiet_cluster_ends_an_hour_after_it_was_ready(
    cluster: Cluster, answers: dict[str, Answer]
) -> None:
    answers.update({"127.20.0.5": quiet, "127.20.0.6": quiet})
    NodeActivity.objects.bulk_create(
        NodeActivity(node=node, asked_at=timezone.now(), answered_at=timezone.now())
        for node in cluster.nodes.all()
    )
    found = look(cluster)
    assert found.executing_at is not None
    assert (found.deadline_at, found.deadline_reason) == (found.executing_at + 60 * MINUTE, "idle")


def test_what_one_node_shows_moves_the_deadline(cluster: Cluster, answers: dict[str, Answer]) -> None:
    def busy() -> ActivityReport:
        return ActivityReport(time.monotonic(), 0, terminals=(TerminalReport(9_999, "sleep"),))

    answers.update({"127.20.0.5": quiet, "127.20.0.6": busy})
    before = look(cluster).deadline_at
    after = look(again(cluster))
    assert before is not None
    assert after.deadline_at is not None
    assert after.deadline_at > before
    assert idle_for(after) < MINUTE
    shown = client_of(cluster.job.owner).get(f"/api/v2/jobs/{cluster.job_id}/").json()
    assert shown["deadlineReason"] == "idle"
    assert shown["activity"]["idleLimitMinutes"] == 60
    assert {"program", "owner"} <= {seen["source"] for seen in shown["activity"]["sources"]}
    assert "sleep on compute-1" in [seen["detail"] for seen in shown["activity"]["sources"]]


def test_a_copy_that_stands_still_counts_once(cluster: Cluster, answers: dict[str, Answer]) -> None:
    def stuck() -> ActivityReport:
        return ActivityReport(
            time.monotonic(), 0, sessions=(SessionReport("7.1", SessionKind.TRANSFER, "scp", 5),)
        )

    answers.update({"127.20.0.5": stuck, "127.20.0.6": quiet})
    first = look(cluster)
    assert look(first).active_at == first.active_at


def test_a_node_that_cannot_be_asked_counts_up_to_the_bound_and_is_asked_less_often(
    cluster: Cluster, answers: dict[str, Answer], settings: Settings
) -> None:
    settings.HEADNODE_IDLE_UNKNOWN = 10 * MINUTE
    answers["127.20.0.5"] = quiet
    found = look(cluster)
    assert 19 * MINUTE < idle_for(found) < 21 * MINUTE, "the bound after it was ready"
    look(found)
    assert NodeActivity.objects.get(node__name="compute-1").failures == 1, "not asked again at once"
    assert NodeActivity.objects.get(node__name="head").failures == 0


def test_a_worker_that_was_away_does_not_end_a_cluster_unseen(
    cluster: Cluster, answers: dict[str, Answer]
) -> None:
    """Its deadline passed while nobody looked: the nodes are asked before anything is decided."""
    for address in ("127.20.0.5", "127.20.0.6"):
        answers[address] = quiet
    found = look(cluster)
    past = timezone.now() - MINUTE
    Cluster.objects.filter(pk=cluster.pk).update(
        looked_at=past - 60 * MINUTE, deadline_at=past, deadline_reason="idle", active_at=past - 60 * MINUTE
    )
    answers["127.20.0.5"] = lambda: ActivityReport(time.monotonic(), 0, terminals=(TerminalReport(30),))
    found = again(cluster)
    activity.look(found)
    deadline_store.correct(found)
    assert again(cluster).deadline_at is not None
    assert found.deadline_at is not None
    assert found.deadline_at > timezone.now() + 50 * MINUTE


def test_a_running_command_and_a_switched_off_limit_ask_nobody(
    cluster: Cluster, answers: dict[str, Answer]
) -> None:
    cluster.job.command = "sleep 1"
    assert idle_limit.limit_of(cluster) is None
    activity.look(cluster)
    cluster.job.command, cluster.job.idle_minutes = "", 0
    assert idle_limit.limit_of(cluster) is None
    activity.look(cluster)
    assert NodeActivity.objects.count() == 0


def test_the_page_lists_the_sources(client: Any, cluster: Cluster, answers: dict[str, Answer]) -> None:
    answers["127.20.0.5"] = lambda: ActivityReport(time.monotonic(), 0, terminals=(TerminalReport(0, "vim"),))
    answers["127.20.0.6"] = quiet
    look(cluster)
    client.force_login(cluster.job.owner)
    page = client.get(f"/jobs/{cluster.job_id}/").content.decode()
    for text in ("Last activity:", "(vim on head)", "not seen", "Keep it running", "no activity for 1 hour"):
        assert text in page


def test_a_job_asks_for_its_own_limit_within_the_policy(alice: User, settings: Settings) -> None:
    api = client_of(alice)
    hardware = {"coreType": "emerald", "coresPerSlot": 1, "slots": 1, "walltime": 1}
    analysis = {
        "analysis": {"code": "user_included", "version": "0"},
        "command": "true",
        "hardware": hardware,
    }

    def save(minutes: Any) -> Any:
        body = {"name": "mine", "jobanalyses": [analysis], "idleMinutes": minutes}
        return api.post("/api/v2/jobs/", body, format="json")

    assert [save(minutes).json()["idleMinutes"] for minutes in (0, 5, None)] == [0, 5, None]
    settings.HEADNODE_MAX_IDLE_MINUTES = 120
    assert [save(minutes).status_code for minutes in (0, 121, -1, 120)] == [400, 400, 400, 201]
    assert "idleMinutes" in save(0).json()


@pytest.fixture
def left_alone(cluster: Cluster) -> Cluster:
    """The cluster as it is after the portal was down for three hours."""
    now = timezone.now()
    Cluster.objects.filter(pk=cluster.pk).update(
        executing_at=now - 300 * MINUTE, active_at=now - 180 * MINUTE, looked_at=now - 180 * MINUTE
    )
    for node in cluster.nodes.all():
        NodeActivity.objects.create(
            node=node, asked_at=now - 180 * MINUTE, answered_at=now - 180 * MINUTE, counters={}
        )
    return again(cluster)


def test_one_look_after_a_long_time_ends_nothing(left_alone: Cluster, answers: dict[str, Answer]) -> None:
    """Whether a processor is busy takes two looks, and people are warned before their cluster ends."""
    answers.update({"127.20.0.5": quiet, "127.20.0.6": quiet})
    found = look(left_alone)
    assert found.deadline_at is not None
    assert 5 * MINUTE < found.deadline_at - timezone.now() < 8 * MINUTE
    assert look(found).deadline_at == found.deadline_at, "the next look does not move it on"


def test_one_failed_look_after_a_long_time_ends_nothing(
    left_alone: Cluster, answers: dict[str, Answer]
) -> None:
    found = look(left_alone)
    assert found.deadline_at is not None
    assert found.deadline_at > timezone.now() + 5 * MINUTE
    NodeActivity.objects.update(failures=3)
    before = found.deadline_at
    assert look(found).deadline_at == before


def test_a_cluster_that_was_never_looked_at_is_not_ended_by_the_first_look(
    cluster: Cluster, answers: dict[str, Answer]
) -> None:
    """The idle limit was set while it ran."""
    answers.update({"127.20.0.5": quiet, "127.20.0.6": quiet})
    Cluster.objects.filter(pk=cluster.pk).update(executing_at=timezone.now() - 300 * MINUTE)
    found = look(again(cluster))
    assert found.deadline_at is not None
    assert found.deadline_at > timezone.now() + 5 * MINUTE


def test_the_last_look_waits_for_the_owners_share(
    cluster: Cluster, answers: dict[str, Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its owner does with other clusters must not end this one unseen, nor keep it for ever."""

    def used_up(*_words: Any) -> None:
        raise ShareUsedUp

    monkeypatch.setattr(SHARES, "taken", used_up)
    cluster.deadline_at, cluster.deadline_reason = timezone.now() - 5 * timedelta(seconds=1), "idle"
    with pytest.raises(ShareUsedUp):
        look(cluster)
    cluster.deadline_at = timezone.now() - MINUTE
    cluster.looked_at = None
    activity.look(cluster)
