"""Sessions as rows: opening them, refusing to, and requesting their end."""

import pytest

from accounts.models import User
from accounts.refusals import Refused
from sshgateway.models import TerminalSession
from sshgateway.sessions import session_actions
from sshgateway.ssh.targets import Target

pytestmark = pytest.mark.django_db

TARGET = Target("127.20.0.5", 32100, "uprod_x", ("ssh-ed25519 AAAA",), "head of X", "job:Xxxxxx", "head")


def test_a_session_keeps_its_target(alice: User) -> None:
    session = session_actions.open_session(alice, TARGET, 100, 30, "192.0.2.1")
    session.refresh_from_db()
    assert session.target == TARGET
    assert (session.cols, session.rows, session.source_address) == (100, 30, "192.0.2.1")


def test_ids_cannot_be_guessed(alice: User) -> None:
    ids = {session_actions.open_session(alice, TARGET).pk for _ in range(20)}
    assert len(ids) == 20
    assert all(len(name) == 32 for name in ids)


@pytest.mark.parametrize(("cols", "rows"), [(0, 24), (80, 0), (1001, 24), (80, -1)])
def test_impossible_sizes_are_refused(alice: User, cols: int, rows: int) -> None:
    with pytest.raises(Refused) as refusal:
        session_actions.open_session(alice, TARGET, cols, rows)
    assert refusal.value.reason == "bad_size"
    assert refusal.value.field in ("cols", "rows")
    assert not TerminalSession.objects.exists()


def test_not_without_end(alice: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_actions, "OPEN_SESSIONS_PER_PERSON", 2)
    session_actions.open_session(alice, TARGET)
    session = session_actions.open_session(alice, TARGET)
    with pytest.raises(Refused) as refusal:
        session_actions.open_session(alice, TARGET)
    assert (refusal.value.reason, refusal.value.status) == ("too_many_sessions", 409)
    session_actions.open_session(bob, TARGET)
    session_actions.end_session(session)
    session_actions.open_session(alice, TARGET)


def test_an_end_asked_for_twice_keeps_its_first_reason(alice: User) -> None:
    session = session_actions.open_session(alice, TARGET)
    session_actions.end_session(session)
    session_actions.end_session(session, "node_gone")
    session.refresh_from_db()
    assert session.end_reason == "closed_by_owner"


def test_ending_a_subject_ends_its_sessions_only(alice: User) -> None:
    mine = session_actions.open_session(alice, TARGET)
    other = session_actions.open_session(alice, Target("127.20.0.6", 22, "u", ("k",), subject="job:Yyyyyy"))
    assert session_actions.end_sessions(subject="job:Xxxxxx", reason="node_gone") == 1
    mine.refresh_from_db()
    other.refresh_from_db()
    assert mine.end_reason == "node_gone"
    assert other.ended_at is None
    assert list(session_actions.open_sessions(subject="job:Yyyyyy")) == [other]
