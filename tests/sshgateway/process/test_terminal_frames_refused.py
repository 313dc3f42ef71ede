"""Garbage on the socket: a code, a reason word, a sentence; the shell survives it."""

import struct

import pytest

from accounts.models import User
from sshgateway.terminals.frames import MAX_FRAME, Hello, Input, encode_client
from tests.sshgateway.conftest import Desk
from tests.sshgateway.sshd import Node

pytestmark = pytest.mark.django_db(transaction=True)

GARBAGE = {
    "empty_frame": b"",
    "unknown_opcode": b"\xff\x00\x01",
    "frame_too_big": b"\x02" + b"x" * MAX_FRAME,
    "bad_resize": b"\x03\x00",
    "bad_size": b"\x03" + struct.pack(">HH", 0, 24),
    "bad_ack": b"\x04\x01",
    "bad_ping": b"\x05" + b"x" * 65,
    "second_hello": b"\x01" + struct.pack(">BQHH", 1, 0, 80, 24),
    "bad_version": b"\x01" + struct.pack(">BQHH", 9, 0, 80, 24),
    "bad_close": b"\x06!",
}


async def test_every_kind_of_garbage(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    for reason, frame in GARBAGE.items():
        async with desk.attach(session, alice) as client:
            await client.until_ready()
            await client.socket.send(frame)
            await client.until_closed()
        assert (client.close_code, client.close_reason) == (4400, reason)
        assert client.end is not None
        assert not client.end.final
        assert client.end.message
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.run("echo alive-$((1+1))", "alive-2")


async def test_text(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.socket.send("hello")
        await client.until_closed()
    assert (client.close_code, client.close_reason) == (4400, "text_frame")


@pytest.mark.parametrize("kind", ["text", "binary"])
async def test_what_comes_behind_a_bad_frame_is_not_typed(
    desk: Desk, node: Node, alice: User, kind: str
) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        # In one piece on the wire, so that the server has both before it can do anything about the first.
        wire = client.socket.protocol
        (wire.send_text if kind == "text" else wire.send_binary)(b"\x7f")
        wire.send_binary(encode_client(Input(b"echo ty''ped\n")))
        client.socket.transport.write(b"".join(wire.data_to_send()))
        await client.until_closed()
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.run("echo alive-$((1+1))", "alive-2")
        assert b"typed" not in client.output


async def test_input_before_hello(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice, says_hello=False) as client:
        await client.send(Input(b"touch /nowhere\n"))
        await client.until_closed()
    assert (client.close_code, client.close_reason) == (4400, "not_ready")
    assert (await desk.row(session)).attached_at is None


async def test_silence_instead_of_hello(
    desk: Desk, node: Node, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshgateway.consumers.HELLO_SECONDS", 0.2)
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice, says_hello=False) as client:
        await client.until_closed()
    assert (client.close_code, client.close_reason) == (4408, "no_hello")


async def test_hello_while_connecting_counts_once(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.send(Hello(0, 80, 24))
        await client.until_closed()
    assert (client.close_code, client.close_reason) == (4400, "second_hello")
