"""Sharing over the API: alice shares, bob finds it in his list, charlie finds nothing; administrators see all."""

import pytest

from accounts.models import AuditEvent, User
from sshgateway.models import TerminalSession, TerminalShare, TerminalVisit
from sshgateway.sessions import session_actions
from tests.api import client_of
from tests.factories import TerminalSessionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(alice: User) -> TerminalSession:
    return TerminalSessionFactory(owner=alice, label="head of Wing flow")


def path(session: TerminalSession, rest: str = "shares/") -> str:
    return f"/api/v2/terminal-sessions/{session.pk}/{rest}"


def test_share_change_list_and_take_back(alice: User, bob: User, session: TerminalSession) -> None:
    client = client_of(alice)
    made = client.post(path(session), {"person": "bob"}, format="json")
    assert made.status_code == 201, made.json()
    assert made.json() | {"id": 0, "sharedAt": ""} == {
        "id": 0,
        "person": "bob",
        "mayType": False,
        "sharedAt": "",
    }
    changed = client.post(path(session), {"person": "bob", "mayType": True}, format="json")
    assert (changed.status_code, changed.json()["mayType"]) == (200, True)
    assert [share["person"] for share in client.get(path(session)).json()] == ["bob"]
    one = path(session, f"shares/{made.json()['id']}/")
    assert client.delete(one).status_code == 204
    assert client.delete(one).status_code == 204
    assert client.get(path(session)).json() == []


def test_bob_finds_it_in_his_list_until_it_is_taken_back_or_ended(
    alice: User, bob: User, charlie: User, session: TerminalSession
) -> None:
    client_of(alice).post(path(session), {"person": "bob"}, format="json")
    mine = client_of(bob).get("/api/v2/terminal-sessions/shared-with-me/").json()["results"]
    assert [(one["id"], one["owner"], one["label"], one["mayType"]) for one in mine] == [
        (session.pk, "alice", "head of Wing flow", False)
    ]
    assert mine[0]["websocketUrl"].endswith(session.websocket_path)
    assert client_of(charlie).get("/api/v2/terminal-sessions/shared-with-me/").json()["results"] == []
    session_actions.end_session(session)
    assert client_of(bob).get("/api/v2/terminal-sessions/shared-with-me/").json()["results"] == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [({"person": "nobody"}, "no_such_person"), ({"person": "alice"}, "own_session")],
)
def test_refusals_name_the_field(
    alice: User, session: TerminalSession, body: dict[str, object], reason: str
) -> None:
    answer = client_of(alice).post(path(session), body, format="json")
    assert (answer.status_code, answer.json()["reason"]) == (400, reason)
    assert answer.json()["person"][0].endswith(".")


@pytest.mark.parametrize(
    "body", [{}, {"person": ""}, {"person": None}, {"person": "bob", "mayType": "often"}]
)
def test_bad_bodies_are_400(
    alice: User, bob: User, session: TerminalSession, body: dict[str, object]
) -> None:
    assert client_of(alice).post(path(session), body, format="json").status_code == 400
    assert not TerminalShare.objects.exists()


def test_an_ended_terminal_is_409(alice: User, bob: User, session: TerminalSession) -> None:
    session_actions.end_session(session)
    answer = client_of(alice).post(path(session), {"person": "bob"}, format="json")
    assert (answer.status_code, answer.json()["reason"]) == (409, "session_ended")


@pytest.mark.parametrize("who", ["bob", "charlie"])
def test_nobody_else_sees_or_changes_shares(
    alice: User, bob: User, charlie: User, session: TerminalSession, who: str
) -> None:
    """Also bob, with whom it is shared, learns nothing of the others."""
    made = client_of(alice).post(path(session), {"person": "bob"}, format="json").json()
    client = client_of({"bob": bob, "charlie": charlie}[who])
    assert client.get(path(session)).status_code == 404
    assert client.post(path(session), {"person": "charlie"}, format="json").status_code == 404
    assert client.delete(path(session, f"shares/{made['id']}/")).status_code == 404
    assert client.get(path(session, "watchers/")).status_code == 404
    assert client.get(path(session, "")).status_code == 404
    assert TerminalShare.objects.get().revoked_at is None


def test_a_share_of_another_session_is_not_reached_through_ones_own(
    alice: User, bob: User, session: TerminalSession
) -> None:
    theirs = TerminalSessionFactory(owner=bob)
    share = TerminalShare.objects.create(session=theirs, person=alice)
    assert client_of(alice).delete(path(session, f"shares/{share.pk}/")).status_code == 404


def test_watchers_are_told_to_the_owner_and_to_administrators(
    alice: User, bob: User, charlie: User, session: TerminalSession
) -> None:
    TerminalVisit.objects.create(session=session, person=bob, role="guest", source_address="192.0.2.7")
    charlie.is_superuser = True
    charlie.save()
    for client in (client_of(alice), client_of(charlie)):
        (one,) = client.get(path(session, "watchers/")).json()
        assert (one["person"], one["role"], one["mayType"], one["address"]) == (
            "bob",
            "guest",
            False,
            "192.0.2.7",
        )
        assert one["since"]


def test_live_sessions_are_for_administrators(
    alice: User, bob: User, charlie: User, session: TerminalSession
) -> None:
    for client in (client_of(alice), client_of(bob)):
        answer = client.get("/api/v2/live-sessions/")
        assert (answer.status_code, answer.json()["reason"]) == (403, "not_administrator")
        answer = client.post(f"/api/v2/live-sessions/{session.pk}/end/", {"message": "x"}, format="json")
        assert (answer.status_code, answer.json()["reason"]) == (403, "not_administrator")
    charlie.is_superuser = True
    charlie.save()
    client = client_of(charlie)
    TerminalVisit.objects.create(session=session, person=bob, role="guest")
    (one,) = client.get("/api/v2/live-sessions/").json()["results"]
    assert (one["owner"], one["label"], one["recording"]) == ("alice", "head of Wing flow", "off")
    assert one["idleSeconds"] >= 0
    assert [watcher["person"] for watcher in one["watchers"]] == ["bob"]
    empty = client.post(f"/api/v2/live-sessions/{session.pk}/end/", {"message": " "}, format="json")
    assert empty.status_code == 400
    ended = client.post(
        f"/api/v2/live-sessions/{session.pk}/end/", {"message": "Maintenance begins."}, format="json"
    )
    assert ended.status_code == 204
    assert client.get("/api/v2/live-sessions/").json()["results"] == []
    mine = client_of(alice).get(path(session, "")).json()
    assert mine["endReason"] == "ended_by_administrator"
    assert mine["endMessage"] == "An administrator (charlie) ended this terminal: Maintenance begins."
    assert AuditEvent.objects.get(action__endswith="ended_by_administrator").via == "api"
