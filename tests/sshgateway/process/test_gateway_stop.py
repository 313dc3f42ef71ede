"""A gateway that stops in order says so; one that was killed leaves rows a sweep closes."""

import asyncio
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from sshgateway.models import TerminalSession
from sshgateway.sessions import session_actions
from sshgateway.ssh.targets import Target
from tests.sshgateway.conftest import Desk
from tests.sshgateway.sshd import Node

pytestmark = pytest.mark.django_db(transaction=True)

TARGET = Target("127.0.0.1", 22, "nobody", ("ssh-ed25519 AAAA",), subject="test:1")


async def test_an_orderly_stop_ends_shells_and_rows(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await asyncio.to_thread(desk.server.stop)
        await client.until_closed()
    assert (await desk.row(session)).end_reason == "server_stopping"


def test_a_killed_gateways_sessions_are_swept(alice: User) -> None:
    session = session_actions.open_session(alice, TARGET)
    gone = timezone.now() - session_actions.HEARTBEAT_LIMIT - timedelta(seconds=1)
    TerminalSession.objects.filter(pk=session.pk).update(attached_at=gone, heartbeat_at=gone, gateway="dead")
    assert session_actions.end_lost_sessions() == 1
    session.refresh_from_db()
    assert session.end_reason == "gateway_lost"
    assert session_actions.end_lost_sessions() == 0


def test_another_gateways_living_sessions_are_left_alone(alice: User) -> None:
    session = session_actions.open_session(alice, TARGET)
    now = timezone.now()
    TerminalSession.objects.filter(pk=session.pk).update(attached_at=now, heartbeat_at=now, gateway="other")
    assert session_actions.end_lost_sessions() == 0
    session.refresh_from_db()
    assert session.ended_at is None


def test_a_session_nobody_attached_to_expires(alice: User) -> None:
    session = session_actions.open_session(alice, TARGET)
    assert session_actions.end_lost_sessions() == 0
    long_ago = timezone.now() - session_actions.FIRST_ATTACH_LIMIT - timedelta(seconds=1)
    TerminalSession.objects.update(opened_at=long_ago)
    assert session_actions.end_lost_sessions() == 1
    session.refresh_from_db()
    assert session.end_reason == "never_attached"


async def test_a_session_of_another_gateway_is_not_taken_over(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    now = timezone.now()
    row = TerminalSession.objects.filter(pk=session.pk)
    await row.aupdate(attached_at=now, heartbeat_at=now, gateway="other")
    async with desk.attach(session, alice) as client:
        await client.until_closed()
    assert (client.close_code, client.close_reason) == (4409, "elsewhere")
    assert (await desk.row(session)).ended_at is None
