"""The gateway's connections: shells of one person share one, until access was withdrawn from that person."""

import pytest
from asgiref.sync import sync_to_async

from accounts.audit.trail import Actor
from accounts.models import User
from accounts.refusals import Refused
from sshgateway.sessions import session_actions, sharing
from tests.sshgateway.conftest import Desk, SwitchableCheck
from tests.sshgateway.sshd import Node

pytestmark = pytest.mark.django_db(transaction=True)

DENIED = Refused("cidr_denied", "Your address 127.0.0.1 is in no access rule.", status=403)


def logins(node: Node) -> int:
    return node.log.count("Accepted publickey")


async def test_two_terminals_of_a_person_are_one_login(desk: Desk, node: Node, alice: User) -> None:
    async with (
        desk.attach(await desk.open(alice, node.target()), alice) as one,
        desk.attach(await desk.open(alice, node.target()), alice) as two,
    ):
        for client in (one, two):
            await client.until_ready()
            await client.run("echo works-$((1+1))", "works-2")
        assert logins(node) == 1


async def test_two_persons_are_two_logins(desk: Desk, node: Node, alice: User, bob: User) -> None:
    async with (
        desk.attach(await desk.open(alice, node.target()), alice) as one,
        desk.attach(await desk.open(bob, node.target()), bob) as two,
    ):
        await one.until_ready()
        await two.until_ready()
        assert logins(node) == 2


async def test_after_access_was_withdrawn_and_given_back_the_node_is_asked_again(
    desk: Desk, node: Node, alice: User, access_check: SwitchableCheck
) -> None:
    async with desk.attach(await desk.open(alice, node.target()), alice) as client:
        await client.until_ready()
        access_check.refusal = DENIED
        await sync_to_async(session_actions.request_recheck)(owner=alice)
        await client.until_closed()
        assert client.close_reason == "cidr_denied"
    access_check.refusal = None
    async with desk.attach(await desk.open(alice, node.target()), alice) as client:
        await client.until_ready()
    assert logins(node) == 2


async def test_a_terminal_that_was_merely_closed_leaves_the_connection_for_the_next(
    desk: Desk, node: Node, alice: User
) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await sync_to_async(session_actions.end_session)(session)
        await client.until_closed()
    async with desk.attach(await desk.open(alice, node.target()), alice) as client:
        await client.until_ready()
    assert logins(node) == 1


async def test_a_terminal_that_an_administrator_ended_leaves_the_connection_for_the_next(
    desk: Desk, node: Node, alice: User, charlie: User
) -> None:
    """An administrator ends one terminal; that says nothing about what its owner may do."""
    charlie.is_superuser = True
    await sync_to_async(charlie.save)()
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await sync_to_async(session_actions.end_session_as_administrator)(
            Actor(charlie), session, "The node is needed."
        )
        await client.until_closed()
        assert client.close_reason == "ended_by_administrator"
    async with desk.attach(await desk.open(alice, node.target()), alice) as client:
        await client.until_ready()
    assert logins(node) == 1


async def test_a_guest_who_must_leave_says_nothing_about_the_owners_connections(
    desk: Desk, node: Node, alice: User, bob: User
) -> None:
    session = await desk.open(alice, node.target())
    await sync_to_async(desk.token)(bob)
    async with desk.attach(session, alice) as hers:
        await hers.until_ready()
        share, _ = await sync_to_async(sharing.share_session)(Actor(alice), session, "bob", may_type=False)
        async with desk.attach(session, bob) as his:
            await his.until_ready()
            await sync_to_async(sharing.revoke_share)(Actor(alice), share)
            await his.until_closed()
        assert his.close_reason == "share_revoked"
        async with desk.attach(await desk.open(alice, node.target()), alice) as another:
            await another.until_ready()
    assert logins(node) == 1


async def test_an_owner_who_signed_out_logs_in_again(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await sync_to_async(alice.api_tokens.all().delete)()
        await client.until_closed()
        assert client.close_reason == "not_signed_in"
    desk.tokens.clear()
    async with desk.attach(await desk.open(alice, node.target()), alice) as client:
        await client.until_ready()
    assert logins(node) == 2
