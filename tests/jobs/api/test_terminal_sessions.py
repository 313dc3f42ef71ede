"""Terminal sessions over the REST API: a promise of a shell, given to those the rules let in."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.services import job_settings
from jobs.models import Cluster, Node
from jobs.states import Observed
from sshgateway.models import TerminalSession
from tests.api import client_of
from tests.factories import AccessRuleFactory, ClusterFactory, JobFactory, NodeFactory, TerminalSessionFactory

pytestmark = pytest.mark.django_db
URL = "/api/v2/terminal-sessions/"


@pytest.fixture
def cluster(alice: User) -> Cluster:
    AccessRuleFactory.create(owner=alice, cidr="127.0.0.0/8")
    cluster: Cluster = ClusterFactory.create(job__owner=alice)
    NodeFactory.create(cluster=cluster)
    return cluster


def _open(user: User, job: Any, **more: Any) -> Any:
    extra = {name: more.pop(name) for name in ("REMOTE_ADDR", "secure") if name in more}
    return client_of(user).post(URL, {"job": job, **more}, format="json", **extra)


def test_a_session_is_promised(alice: User, cluster: Cluster) -> None:
    answer = _open(alice, cluster.job_id, node="head", cols=132, rows=50)

    assert answer.status_code == 201
    session = TerminalSession.objects.get()
    assert answer.json() == {
        "id": session.pk,
        "websocketUrl": f"ws://testserver/ws/terminal-sessions/{session.pk}/",
        "job": cluster.job_id,
        "machine": None,
        "node": "head",
        "openedAt": answer.json()["openedAt"],
        "endedAt": None,
        "endReason": None,
        "endMessage": None,
        "recording": None,
    }
    assert (session.cols, session.rows, session.source_address) == (132, 50, "127.0.0.1")
    assert list(session.host_keys) == cluster.nodes.get().host_keys


def test_over_https_the_websocket_is_encrypted_too(alice: User, cluster: Cluster) -> None:
    assert _open(alice, cluster.job_id, secure=True).json()["websocketUrl"].startswith("wss://")


def test_an_address_in_no_rule_is_refused_and_named(alice: User, cluster: Cluster) -> None:
    answer = _open(alice, cluster.job_id, REMOTE_ADDR="198.51.100.4")

    assert (answer.status_code, answer.json()["reason"]) == (403, "cidr_denied")
    assert "198.51.100.4" in answer.json()["detail"]
    assert not TerminalSession.objects.exists()


def test_with_ssh_off_there_is_no_terminal(alice: User, cluster: Cluster) -> None:
    row = job_settings(alice)
    row.ssh_access = False
    row.save()

    assert _open(alice, cluster.job_id).json()["reason"] == "ssh_access_off"


@pytest.mark.parametrize(
    ("observed", "state", "code", "reason"),
    [
        (Observed.RELEASED, Node.State.STOPPED, 409, "cluster_gone"),
        (Observed.DRAINED, Node.State.STOPPED, 409, "node_gone"),
        (Observed.BOOTING, Node.State.BOOTING, 409, "not_ready"),
    ],
)
def test_a_node_one_cannot_reach(
    alice: User, cluster: Cluster, observed: str, state: str, code: int, reason: str
) -> None:
    Cluster.objects.update(observed_state=observed)
    Node.objects.update(state=state)
    answer = _open(alice, cluster.job_id)

    assert (answer.status_code, answer.json()["reason"]) == (code, reason)


def test_a_job_that_was_not_submitted(alice: User) -> None:
    assert _open(alice, JobFactory.create(owner=alice).pk).status_code == 409


def test_a_job_one_may_not_see(charlie: User, cluster: Cluster) -> None:
    answer = _open(charlie, cluster.job_id)

    assert answer.status_code == 404
    assert not TerminalSession.objects.exists()


def test_a_node_that_is_not_there(alice: User, cluster: Cluster) -> None:
    assert _open(alice, cluster.job_id, node="compute-7").status_code == 404


@pytest.mark.parametrize("size", [0, -1, 1001, 10**30, "wide", True, None, 80.5])
def test_a_terminal_has_a_size(alice: User, cluster: Cluster, size: Any) -> None:
    answer = _open(alice, cluster.job_id, cols=size)

    assert answer.status_code == 400
    assert isinstance(answer.json()["cols"][0], str)


def test_ending_says_why_and_may_be_repeated(alice: User, cluster: Cluster) -> None:
    client = client_of(alice)
    session_id = _open(alice, cluster.job_id).json()["id"]
    for _ in range(2):
        assert client.delete(f"{URL}{session_id}/").status_code == 204

    ended = client.get(f"{URL}{session_id}/").json()
    assert ended["endReason"] == "closed_by_owner"
    assert ended["endedAt"].endswith("Z")


def test_the_list_is_ones_own(alice: User, bob: User) -> None:
    TerminalSessionFactory.create(owner=alice)
    mine = TerminalSessionFactory.create(owner=bob)

    assert [session["id"] for session in client_of(bob).get(URL).json()["results"]] == [mine.pk]


def test_the_list_tells_what_could_be_taken_up_again(alice: User, bob: User, cluster: Cluster) -> None:
    mine = TerminalSessionFactory.create(owner=alice, subject=f"job:{cluster.job_id}")
    TerminalSessionFactory.create(owner=alice, subject="job:Another")
    TerminalSessionFactory.create(owner=bob, subject=f"job:{cluster.job_id}")
    machine = TerminalSessionFactory.create(owner=alice, subject="machine:3")
    ended = TerminalSessionFactory.create(
        owner=alice, subject=f"job:{cluster.job_id}", ended_at=timezone.now(), end_reason="exited"
    )

    def ids(query: str) -> list[str]:
        return [row["id"] for row in client_of(alice).get(f"{URL}?{query}").json()["results"]]

    assert ids(f"open=true&job={cluster.job_id}") == [mine.pk]
    assert ids(f"open=false&job={cluster.job_id}") == [ended.pk]
    assert ids("open=true&machine=3") == [machine.pk]
    assert ids("job=Nowhere") == []


def test_a_filter_that_says_nothing_is_refused(alice: User) -> None:
    answer = client_of(alice).get(f"{URL}?open=perhaps")

    assert answer.status_code == 400
    assert answer.json()["open"] == ["Must be true or false, not perhaps."]
    assert client_of(alice).get(f"{URL}?job=%00").status_code == 400
