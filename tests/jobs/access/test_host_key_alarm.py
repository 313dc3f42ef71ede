"""A node shows another host key than it reported: one alarm everywhere, and no connection until it is cleared."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import services as accounts_services
from accounts.audit.trail import SYSTEM, Actor
from accounts.models import AuditEvent, User
from accounts.refusals import Refused
from jobs.access import connection_info, host_key_alarm, node_access
from jobs.control import controller, head_node, provisioning
from jobs.models import Cluster, Node
from jobs.states import Observed
from sshgateway.models import TerminalSession
from sshgateway.process import session_store
from sshgateway.sessions.session_actions import open_session
from sshgateway.ssh import transport
from sshgateway.ssh.errors import HostKeyChanged
from sshgateway.terminals.end_reasons import End
from tests.fakes.providers import ProviderWhoseNodesNeverReport
from tests.jobs.making import HOST_KEYS, actor, cluster_of

pytestmark = pytest.mark.django_db

SHOWN = "SHA256:" + "x" * 43
ERROR = HostKeyChanged("It shows another key.", SHOWN)


def make(alice: User, observed: Observed) -> Cluster:
    cluster, nodes = cluster_of(alice, observed, slots=2)
    for number, node in enumerate(nodes):
        Node.objects.filter(pk=node.pk).update(
            state=Node.State.RUNNING,
            address=f"127.20.8.{number + 1}",
            port=32100,
            host_keys=[HOST_KEYS[0]],
            registered_at=timezone.now(),
            reported_at=timezone.now(),
            report_outcome="ok",
            verified_at=None if observed == Observed.BOOTING else timezone.now(),
        )
    return cluster


@pytest.fixture
def cluster(alice: User) -> Cluster:
    return make(alice, Observed.EXECUTING)


def head_of(cluster: Cluster) -> Node:
    return Node.objects.select_related("cluster__job__owner").get(cluster=cluster, name="head")


def errors(cluster: Cluster) -> list[str]:
    return [event.message for event in cluster.job.events.filter(level="error")]


def test_it_sounds_once(cluster: Cluster, alice: User) -> None:
    host_key_alarm.raise_alarm(head_of(cluster), ERROR, "a test")
    host_key_alarm.raise_alarm(head_of(cluster), ERROR, "another test")
    (first,) = errors(cluster)
    assert first.startswith("Host key alarm: head shows another host key than it reported (SHA256:xxx")
    assert "Do not log in to it; tell your administrator." in first
    event = AuditEvent.objects.get(action="jobs:node:host_key_alarm")
    assert event.owner_name == "alice"
    assert event.after == {"job": cluster.job_id, "node": "head", "shown": SHOWN, "during": "a test"}
    head = head_of(cluster)
    assert head.host_key_alarm_at is not None
    assert head.host_key_shown == SHOWN


def test_nobody_is_led_there(cluster: Cluster, alice: User, client: Client) -> None:
    accounts_services.add_access_rule(actor(alice), alice, "127.0.0.1", "")
    node_access.terminal_target(alice, cluster.job, "head", "127.0.0.1")
    host_key_alarm.raise_alarm(head_of(cluster), ERROR, "a test")
    ways: list[Callable[[], object]] = [
        lambda: node_access.node_target(head_of(cluster)),
        lambda: node_access.terminal_target(alice, cluster.job, "head", "127.0.0.1"),
    ]
    for lead in ways:
        with pytest.raises(Refused) as refusal:
            lead()
        assert (refusal.value.reason, refusal.value.status) == ("host_key_changed", 403)
    assert connection_info.ssh_command(head_of(cluster)) == ""
    assert "Do not log in" in connection_info.why_no_command(cluster, has_key=True)
    # The other node is not the culprit.
    node_access.terminal_target(alice, cluster.job, "compute-1", "127.0.0.1")
    client.force_login(alice)
    answer = client.post(
        "/api/v2/terminal-sessions/", {"job": cluster.job_id, "node": "head"}, content_type="application/json"
    )
    assert (answer.status_code, answer.json()["reason"]) == (403, "host_key_changed")


def test_who_is_in_is_shown_out(cluster: Cluster, alice: User) -> None:
    accounts_services.add_access_rule(actor(alice), alice, "127.0.0.1", "")
    session = open_session(
        alice, node_access.node_target(head_of(cluster)), 80, 24, source_address="127.0.0.1"
    )
    assert isinstance(session_store.admit(session, alice, "127.0.0.1", "a test"), session_store.Admission)
    host_key_alarm.raise_alarm(head_of(cluster), ERROR, "a test")
    end = session_store.admit(session, alice, "127.0.0.1", "a test")
    assert isinstance(end, End)
    assert end.reason == "host_key_changed"


def test_a_browser_terminal_that_meets_it_tells(cluster: Cluster, alice: User) -> None:
    compute = cluster.nodes.select_related("cluster__job").get(name="compute-1")
    session = open_session(alice, node_access.node_target(compute), 80, 24)
    session_store.raise_host_key_alarm(session, ERROR)
    compute.refresh_from_db()
    assert compute.host_key_alarm_at is not None
    assert "compute-1 shows another host key" in errors(cluster)[0]
    assert "browser terminal" in errors(cluster)[0]


def test_no_alarm_for_a_cluster_that_ends(cluster: Cluster, alice: User) -> None:
    """Its address may be somebody else's by now."""
    session = open_session(alice, node_access.node_target(head_of(cluster)), 80, 24)
    Cluster.objects.update(observed_state=Observed.RELEASING)
    session_store.raise_host_key_alarm(session, ERROR)
    session_store.raise_host_key_alarm(TerminalSession(subject="other:1", node="head", label="x"), ERROR)
    assert errors(cluster) == []


def test_page_and_api_show_it(cluster: Cluster, alice: User, client: Client) -> None:
    client.force_login(alice)
    path = f"/api/v2/jobs/{cluster.job_id}/instances/"
    quiet = client.get(path).json()["results"][0]
    assert (quiet["hostKeyAlarmAt"], quiet["hostKeyShown"]) == (None, "")
    assert "host-key-alarm" not in client.get(f"/jobs/{cluster.job_id}/").content.decode()
    (proof,) = quiet["hostKeys"]
    assert proof["reportedAt"] and proof["verifiedAt"]
    assert proof["provenance"].startswith("Reported by the node at ")
    assert "through its one-time token; the portal logged in with it at " in proof["provenance"]

    host_key_alarm.raise_alarm(head_of(cluster), ERROR, "a test")
    loud = client.get(path).json()["results"][0]
    assert loud["hostKeyAlarmAt"]
    assert (loud["hostKeyShown"], loud["sshCommand"]) == (SHOWN, "")
    details = client.get(f"/api/v2/jobs/{cluster.job_id}/connection_details/").json()["connectionDetails"]
    assert [row["host"] for row in details] == ["127.20.8.2"]
    for page in (f"/jobs/{cluster.job_id}/", f"/jobs/{cluster.job_id}/fragments/state/"):
        html = client.get(page).content.decode()
        assert 'class="notice is-bad outcome host-key-alarm" role="alert"' in html
        assert "head showed another host key than it reported" in html
        assert SHOWN in html
    assert "through its one-time token" in html


def test_only_an_administrator_clears_it(cluster: Cluster, alice: User, admin_user: User) -> None:
    host_key_alarm.raise_alarm(head_of(cluster), ERROR, "a test")
    with pytest.raises(Refused) as refusal:
        host_key_alarm.clear_host_key_alarm(Actor(alice), head_of(cluster))
    assert (refusal.value.reason, refusal.value.status) == ("not_administrator", 403)
    assert head_of(cluster).host_key_alarm_at is not None
    assert host_key_alarm.clear_host_key_alarm(Actor(admin_user, "192.0.2.1", "page"), head_of(cluster))
    assert not host_key_alarm.clear_host_key_alarm(Actor(admin_user), head_of(cluster))
    head = head_of(cluster)
    assert (head.host_key_alarm_at, head.host_key_shown) == (None, "")
    assert head.host_keys == [HOST_KEYS[0]], "the same key is pinned as before"
    node_access.node_target(head)
    event = AuditEvent.objects.get(action="jobs:node:host_key_alarm_cleared")
    assert (event.actor_name, event.source_address) == ("admin", "192.0.2.1")
    assert event.before["shown"] == SHOWN


def test_the_command_clears_it(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("clear_host_key_alarm", cluster.job_id)
    assert "no alarm" in capsys.readouterr().out
    host_key_alarm.raise_alarm(head_of(cluster), ERROR, "a test")
    call_command("clear_host_key_alarm", cluster.job_id, "head")
    assert head_of(cluster).host_key_alarm_at is None
    with pytest.raises(CommandError, match="has no node"):
        call_command("clear_host_key_alarm", cluster.job_id, "compute-9")


class Foreign:
    """Every connection ends at a machine with another key; counts who tried."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names, self.calls = names, 0
        self.provider = ProviderWhoseNodesNeverReport()
        self.provider.there = {"head": "running", "compute-1": "running"}

    def connect(self, target: Any, **options: Any) -> Any:
        self.calls += 1
        if target.node in self.names:
            raise ERROR
        raise transport.Unreachable("Nobody is there.")


def use(monkeypatch: pytest.MonkeyPatch, *names: str) -> Foreign:
    foreign = Foreign(names)
    for module in (provisioning, head_node):
        monkeypatch.setattr(module.transport, "connect", foreign.connect)
    return foreign


def turn(cluster: Cluster, foreign: Foreign, passes: int = 1) -> Cluster:
    for _ in range(passes):
        Cluster.objects.filter(pk=cluster.pk).update(next_check_at=timezone.now())
        controller.reconcile(cluster.pk, lambda name: foreign.provider)
    cluster.refresh_from_db()
    return cluster


@pytest.mark.parametrize("names", [("head",), ("compute-1",), ("head", "compute-1")])
def test_before_it_is_ready_the_cluster_fails(
    alice: User, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    """Also when the other node cannot be reached just then: that is no reason to wait."""
    cluster = make(alice, Observed.BOOTING)
    foreign = use(monkeypatch, *names)
    turn(cluster, foreign, 4)
    assert cluster.ready_at is None
    assert cluster.observed_state == Observed.RELEASED
    assert cluster.failure == f"{', '.join(names)} showed another host key than it reported."
    alarmed = set(cluster.nodes.filter(host_key_alarm_at__isnull=False).values_list("name", flat=True))
    assert alarmed == set(names)
    assert AuditEvent.objects.filter(action="jobs:node:host_key_alarm").count() == len(names)
    assert not cluster.nodes.filter(verified_at__isnull=False).exists()
    assert "Ready" not in {row.status for row in cluster.statuses.all()}


@pytest.mark.parametrize("observed", [Observed.READY, Observed.EXECUTING, Observed.DRAINED])
def test_afterwards_it_waits_and_says_nothing_more_to_the_node(
    alice: User, monkeypatch: pytest.MonkeyPatch, observed: Observed
) -> None:
    cluster = make(alice, observed)
    foreign = use(monkeypatch, "head")
    turn(cluster, foreign, 5)
    assert foreign.calls == 1, "once, when it found out"
    assert cluster.observed_state == observed
    assert cluster.failure == ""
    assert len(errors(cluster)) == 1
    assert "Trying again" not in "\n".join(cluster.job.events.values_list("message", flat=True))
    host_key_alarm.clear_host_key_alarm(SYSTEM, head_of(cluster))
    turn(cluster, foreign)
    assert foreign.calls == 2
    assert head_of(cluster).host_key_alarm_at is not None, "it still shows the other key"


def test_not_for_ever(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    foreign = use(monkeypatch, "head")
    turn(cluster, foreign)
    Node.objects.filter(name="head").update(
        host_key_alarm_at=timezone.now() - settings.HEADNODE_KEPT_HEAD_LIMIT - timedelta(seconds=1)
    )
    turn(cluster, foreign, 4)
    assert cluster.observed_state == Observed.RELEASED
    assert "nobody cleared the alarm" in cluster.failure


def test_the_socket_and_the_loop_may_find_out_at_once(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The alarm is raised between the look at the rows and the connection: not a word to the node."""
    foreign = use(monkeypatch, "head")
    observe = controller._observe

    def observe_and_hear(*args: Any) -> Any:
        facts = observe(*args)
        host_key_alarm.raise_alarm(head_of(cluster), ERROR, "a test")
        return facts

    monkeypatch.setattr(controller, "_observe", observe_and_hear)
    turn(cluster, foreign, 2)
    assert foreign.calls == 0
    assert len(errors(cluster)) == 1
    assert cluster.failures == 0
