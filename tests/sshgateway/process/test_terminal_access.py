"""Who may be in a terminal: its owner, as long as the gatekeepers agree, from where they agree."""

import asyncio

import pytest
from asgiref.sync import sync_to_async

from accounts.models import User
from accounts.refusals import Refused
from sshgateway.authorization import terminal_authorization
from sshgateway.models import TerminalSession
from sshgateway.sessions import session_actions
from tests.sshgateway.client import Client
from tests.sshgateway.conftest import Desk, SwitchableCheck, until
from tests.sshgateway.sshd import Node

pytestmark = pytest.mark.django_db(transaction=True)

DENIED = Refused("cidr_denied", "Your address 127.0.0.1 is in no access rule.", status=403)


async def _closed(desk: Desk, session: TerminalSession, user: User) -> Client:
    async with desk.attach(session, user) as client:
        await client.until_closed()
    return client


async def test_another_persons_session_looks_like_none(
    desk: Desk, node: Node, alice: User, charlie: User
) -> None:
    session = await desk.open(alice, node.target())
    await sync_to_async(desk.token)(charlie)
    foreign = await _closed(desk, session, charlie)
    nonexistent = await _closed(desk, TerminalSession(), charlie)
    assert (foreign.close_code, foreign.close_reason) == (4404, "not_found")
    assert (foreign.close_code, foreign.close_reason, foreign.end) == (
        nonexistent.close_code,
        nonexistent.close_reason,
        nonexistent.end,
    )
    assert (await desk.row(session)).attached_at is None


async def test_nobody_signed_in(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    desk.tokens[alice.pk] = "no-such-token"
    client = await _closed(desk, session, alice)
    assert client.close_code == 4401
    assert (await desk.row(session)).attached_at is None


async def test_the_check_refuses_at_attach(
    desk: Desk, node: Node, alice: User, access_check: SwitchableCheck
) -> None:
    session = await desk.open(alice, node.target())
    access_check.refusal = DENIED
    client = await _closed(desk, session, alice)
    assert client.close_code == 4403
    assert client.end is not None
    assert (client.end.reason, client.end.message) == ("cidr_denied", DENIED.message)
    row = await desk.row(session)
    assert row.attached_at is None, "no shell may start"
    assert row.ended_at is None, "from another address it may still be opened"
    assert access_check.asked == [(session.pk, "127.0.0.1")]


async def test_without_a_check_nobody_gets_in(
    desk: Desk, node: Node, alice: User, access_check: SwitchableCheck
) -> None:
    terminal_authorization.unregister("test")
    session = await desk.open(alice, node.target())
    client = await _closed(desk, session, alice)
    assert client.end is not None
    assert client.end.reason == "unknown_subject"


async def test_a_rule_that_changes_ends_an_open_terminal(
    desk: Desk, node: Node, alice: User, access_check: SwitchableCheck
) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.run("echo in-$((1+1))", "in-2")
        access_check.refusal = DENIED
        await sync_to_async(session_actions.request_recheck)(owner=alice)
        await client.until_closed()
    assert client.end is not None
    assert (client.end.reason, client.end.message, client.end.final) == ("cidr_denied", DENIED.message, True)
    assert (await desk.row(session)).end_reason == "cidr_denied"


async def test_a_lost_message_costs_seconds_and_nothing_else(
    desk: Desk, node: Node, alice: User, access_check: SwitchableCheck
) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        access_check.refusal = DENIED
        await client.until_closed()
    assert (await desk.row(session)).end_reason == "cidr_denied"


async def test_a_node_that_goes_says_so_itself(
    desk: Desk, node: Node, alice: User, access_check: SwitchableCheck
) -> None:
    """A 409 of the gatekeeper means that the node is ending: the shell stays until the node ends it."""
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        access_check.refusal = Refused("node_gone", "The node is stopping.", status=409)
        asked = len(access_check.asked)
        await sync_to_async(session_actions.request_recheck)(owner=alice)

        async def asked_again() -> bool:
            return len(access_check.asked) > asked

        await until(asked_again, "the gatekeeper is asked again")
        await client.run("echo still-$((1+1))", "still-2")
        await asyncio.to_thread(node.stop)
        await client.until_closed()
    assert client.end is not None
    assert client.end.reason in ("connection_lost", "node_gone", "exited")
    assert client.end.final


async def test_a_deactivated_person_is_out(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        alice.is_active = False
        await sync_to_async(alice.save)()
        await client.until_closed()
    assert (await desk.row(session)).ended_at is not None


async def test_an_end_asked_for_by_its_row(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        assert await sync_to_async(session_actions.end_sessions)(subject="test:1", reason="node_gone") == 1
        await client.until_closed()
    assert client.end is not None
    assert client.end.reason == "node_gone"
    assert (await desk.row(session)).end_reason == "node_gone"
