"""A person types, resizes and leaves, in a real shell on a real sshd."""

import pytest

from accounts.models import User
from tests.sshgateway.conftest import Desk
from tests.sshgateway.sshd import Node

pytestmark = pytest.mark.django_db(transaction=True)


async def test_typing_is_answered(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        ready = await client.until_ready()
        assert ready.node == "head"
        assert ready.fingerprint.startswith("SHA256:")
        await client.run("echo answer-$((6*7))", "answer-42")


async def test_a_resize_reaches_the_shell(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice, cols=91, rows=31) as client:
        await client.until_ready()
        await client.run("echo size: $(stty size)", "size: 31 91")
        await client.resize(132, 43)
        await client.run("echo size: $(stty size)", "size: 43 132")


async def test_exit_is_told_and_written_down(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.type("exit 3\n")
        await client.until_closed()
    assert client.end is not None
    assert (client.end.reason, client.end.exit_status, client.end.final) == ("exited", 3, True)
    assert "3" in client.end.message
    row = await desk.row(session)
    assert (row.end_reason, row.exit_status) == ("exited", 3)
    assert row.ended_at is not None
    assert row.last_keystroke_at is not None
    assert row.bytes_in == len("exit 3\n")
    assert row.bytes_out == client.offset


async def test_the_owner_closes(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.close_shell()
        await client.until_closed()
    assert client.end is not None
    assert client.end.reason == "closed_by_owner"
    assert (await desk.row(session)).end_reason == "closed_by_owner"


async def test_an_ended_session_says_how_it_ended(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.close_shell()
        await client.until_closed()
    async with desk.attach(session, alice) as client:
        await client.until_closed()
    assert client.end is not None
    assert (client.end.reason, client.end.final) == ("closed_by_owner", True)
