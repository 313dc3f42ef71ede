"""A session's URL names its gateway: the live one with the fewest open sessions. Another gateway refuses it."""

import pytest
from django.core.cache import cache
from pytest_django import Settings

from accounts.models import User
from sshgateway.models import TerminalSession
from sshgateway.sessions import gateway_selection, session_actions
from sshgateway.ssh.targets import Target
from tests.sshgateway.client import Client
from tests.sshgateway.conftest import Desk
from tests.sshgateway.sshd import Node

TARGET = Target("127.0.0.1", 22, "nobody", ("ssh-ed25519 AAAA",), subject="test:1")


@pytest.fixture
def two(settings: Settings) -> None:
    settings.HEADNODE_GATEWAYS = ["g1", "g2"]
    cache.delete_many(["gateway-alive:g1", "gateway-alive:g2"])


@pytest.mark.django_db
def test_without_names_there_is_no_route(alice: User) -> None:
    session = session_actions.open_session(alice, TARGET)
    assert session.route == ""
    assert session.websocket_path == f"/ws/terminal-sessions/{session.pk}/"


@pytest.mark.django_db
def test_sessions_are_shared_out(two: None, alice: User) -> None:
    for name in ("g1", "g2"):
        gateway_selection.announce_alive(name)
    sessions = [session_actions.open_session(alice, TARGET) for _ in range(4)]
    assert sorted(session.route for session in sessions) == ["g1", "g1", "g2", "g2"]
    assert (
        sessions[0].websocket_path == f"/ws/gateways/{sessions[0].route}/terminal-sessions/{sessions[0].pk}/"
    )


@pytest.mark.django_db
def test_ended_sessions_do_not_count(two: None, alice: User) -> None:
    for name in ("g1", "g2"):
        gateway_selection.announce_alive(name)
    first = session_actions.open_session(alice, TARGET)
    session_actions.end_session(first)
    assert session_actions.open_session(alice, TARGET).route == first.route


@pytest.mark.django_db
def test_a_gateway_that_is_silent_gets_none(two: None, alice: User) -> None:
    gateway_selection.announce_alive("g2")
    assert {session_actions.open_session(alice, TARGET).route for _ in range(3)} == {"g2"}


@pytest.mark.django_db
def test_when_all_are_silent_any_may_be_starting(two: None, alice: User) -> None:
    assert session_actions.open_session(alice, TARGET).route in ("g1", "g2")


@pytest.mark.django_db
def test_a_gateway_that_starts_ends_the_sessions_of_its_earlier_process(alice: User) -> None:
    held, waiting, elsewhere = (session_actions.open_session(alice, TARGET) for _ in range(3))
    rows = TerminalSession.objects
    rows.filter(pk=held.pk).update(route="g1", gateway="before", attached_at=held.opened_at)
    rows.filter(pk=waiting.pk).update(route="g1")
    rows.filter(pk=elsewhere.pk).update(route="g2", gateway="other", attached_at=held.opened_at)
    assert session_actions.end_sessions_of_earlier_process("g1", "now") == 1
    assert rows.get(pk=held.pk).end_reason == "gateway_lost"
    assert not rows.exclude(pk=held.pk).filter(ended_at__isnull=False).exists()


@pytest.mark.django_db(transaction=True)
async def test_a_session_of_another_gateway_is_refused(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    await TerminalSession.objects.filter(pk=session.pk).aupdate(route="g2")
    for path in (f"/ws/gateways/g2/terminal-sessions/{session.pk}/", f"/ws/terminal-sessions/{session.pk}/"):
        async with Client(f"ws://127.0.0.1:{desk.server.port}{path}", desk.tokens[alice.pk]) as client:
            await client.until_closed()
        assert (client.close_code, client.close_reason) == (4409, "elsewhere")
    assert (await desk.row(session)).attached_at is None
