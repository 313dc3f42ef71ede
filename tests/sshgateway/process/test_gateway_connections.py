"""What the gateway does with its lines: shells of one person share one, until access was withdrawn from them."""

import pytest
from asgiref.sync import sync_to_async

from accounts.refusals import Refused
from sshgateway.sessions import session_actions
from tests.sshgateway.conftest import Desk, Gate
from tests.sshgateway.sshd import Node

pytestmark = pytest.mark.django_db(transaction=True)

DENIED = Refused("cidr_denied", "Your address 127.0.0.1 is in no access rule.", status=403)


def logins(node: Node) -> int:
    return node.log.count("Accepted publickey")


async def test_two_terminals_of_a_person_are_one_login(desk: Desk, node: Node, alice) -> None:
    async with (
        desk.attach(await desk.open(alice, node.target()), alice) as one,
        desk.attach(await desk.open(alice, node.target()), alice) as two,
    ):
        for client in (one, two):
            await client.until_ready()
            await client.run("echo works-$((1+1))", "works-2")
        assert logins(node) == 1


async def test_two_persons_are_two_logins(desk: Desk, node: Node, alice, bob) -> None:
    async with (
        desk.attach(await desk.open(alice, node.target()), alice) as one,
        desk.attach(await desk.open(bob, node.target()), bob) as two,
    ):
        await one.until_ready()
        await two.until_ready()
        assert logins(node) == 2


async def test_after_access_was_withdrawn_and_given_back_the_node_is_asked_again(
    desk: Desk, node: Node, alice, gate: Gate
) -> None:
    async with desk.attach(await desk.open(alice, node.target()), alice) as client:
        await client.until_ready()
        gate.refusal = DENIED
        await sync_to_async(session_actions.recheck)(owner=alice)
        await client.until_closed()
        assert client.close_reason == "cidr_denied"
    gate.refusal = None
    async with desk.attach(await desk.open(alice, node.target()), alice) as client:
        await client.until_ready()
    assert logins(node) == 2


async def test_a_terminal_that_was_merely_closed_leaves_the_line_for_the_next(
    desk: Desk, node: Node, alice
) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await sync_to_async(session_actions.end_session)(session)
        await client.until_closed()
    async with desk.attach(await desk.open(alice, node.target()), alice) as client:
        await client.until_ready()
    assert logins(node) == 1
