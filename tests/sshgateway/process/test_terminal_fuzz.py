"""Whatever comes in on a socket: memory stays bounded, the end has a word, the shell lives on."""

import asyncio
import contextlib
import os
import random
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import websockets
from asgiref.sync import sync_to_async
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from portal import serving
from sshgateway.terminals import frames
from sshgateway.terminals.attachment import WINDOW
from sshgateway.terminals.frame_faults import BadFrame
from sshgateway.terminals.frames import Ack, ClientFrame, Hello, Input, Ping, Resize
from tests.sshgateway.client import Client
from tests.sshgateway.conftest import Desk, until
from tests.sshgateway.sshd import Node
from tests.waiting import LIMIT

pytestmark = pytest.mark.django_db(transaction=True)

DOCUMENTED = set(re.findall(r"`([a-z_]+)`", Path("docs/terminal-protocol.md").read_text()))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_frame_or_are_refused_with_a_documented_word(data: bytes) -> None:
    try:
        frame = frames.decode(data)
    except BadFrame as refusal:
        assert refusal.reason in DOCUMENTED
        assert str(refusal).endswith(".")
    else:
        assert frames.encode_client(frame) == data


def some_frame(chance: random.Random) -> bytes:
    """A frame that is none, or a right one at a wrong time, or a right one with something changed."""
    choices: list[ClientFrame] = [
        Ack(0),
        Ping(b"ping"),
        Resize(1000, 1000),
        Resize(1, 1),
        Hello(0, 80, 24),
        Input(b"# typed \x00\xff\n"),
    ]
    right = frames.encode_client(chance.choice(choices))
    kind = chance.randrange(4)
    if kind == 0:
        return os.urandom(chance.randrange(0, 40))
    if kind == 1:
        return right
    if kind == 2:
        return right[: chance.randrange(len(right) + 1)]
    at = chance.randrange(len(right))
    return right[:at] + bytes((chance.randrange(256),)) + right[at + 1 :]


async def test_random_frames_close_a_socket_with_a_word_or_do_nothing(
    desk: Desk, node: Node, alice: User
) -> None:
    session = await desk.open(alice, node.target())
    chance = random.Random(7)
    refused = 0
    async with desk.attach(session, alice) as witness:
        await witness.until_ready()
        # A program that does not mind what is typed, and shows what size it was given.
        await witness.run("stty raw -echo; while sleep 0.2; do stty size; done", "24 80")
        for _ in range(60):
            client = desk.attach(session, alice)
            async with client:
                await client.until_ready()
                with contextlib.suppress(websockets.ConnectionClosed):
                    for _ in range(8):
                        frame = some_frame(chance)
                        if frame[:1] != bytes((frames.Opcode.CLOSE,)):  # that one is right whenever it comes
                            await client.socket.send(frame)
                    await client.send(Ping(b"over"))
                await client.until(lambda c: c.close_code or b"over" in c.pongs, "an answer")
                closed_by_server = client.close_code is not None
            if closed_by_server:
                refused += 1
                assert client.close_code == 4400
                assert client.close_reason in DOCUMENTED
                assert client.end is not None
                assert (client.end.reason, client.end.final) == (client.close_reason, False)
        assert refused > 30
        await witness.resize(91, 41)
        await witness.until_output("41 91")


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (struct.pack(">HH", 0, 0), "bad_size"),
        (struct.pack(">HH", 65535, 65535), "bad_size"),
        (struct.pack(">II", 100_000, 100_000), "bad_resize"),
    ],
)
async def test_impossible_sizes(desk: Desk, node: Node, alice: User, payload: bytes, reason: str) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.socket.send(bytes((frames.Opcode.RESIZE,)) + payload)
        await client.until_closed()
    assert (client.close_code, client.close_reason) == (4400, reason)
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.run("stty size", "24 80")


async def test_of_a_thousand_sizes_the_last_one_counts(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        for number in range(1000):
            await client.resize(10 + number % 900, 10 + number % 90)
        await client.resize(77, 33)
        await client.run("stty size", "33 77")


@pytest.mark.parametrize("offset", [2**64 - 1, 2**63, WINDOW * 2])
async def test_acknowledging_what_was_never_sent(desk: Desk, node: Node, alice: User, offset: int) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.send(Ack(offset))
        await client.until_closed()
    assert (client.close_code, client.close_reason) == (4400, "bad_ack")


async def test_acknowledging_backwards_opens_no_window(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        client.acknowledging = False
        await client.type("yes flood\n")
        await client.until(lambda c: c.offset >= WINDOW, "the window fills")
        before = client.offset
        for offset in (0, 1, before // 2, 0, 5):
            await client.send(Ack(offset))
        await client.send(Ack(before // 2))
        # It is half a window that opens, once.
        await client.until(lambda c: c.offset >= before + before // 2, "half a window")
        await asyncio.sleep(0.5)
        assert client.offset <= before // 2 + WINDOW
        await client.type(b"\x03")
        client.acknowledging = True
        await client.send(Ack(client.offset))
        await client.run("echo sane-$((1+1))", "sane-2")


async def test_an_attach_beyond_the_end_is_refused(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as first:
        await first.until_ready()
        async with desk.attach(session, alice, offset=2**64 - 1) as client:
            await client.until_closed()
    assert (client.close_code, client.close_reason) == (4400, "bad_offset")


async def test_a_message_beyond_every_limit_ends_the_socket_only(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        with contextlib.suppress(websockets.ConnectionClosed):
            await client.socket.send(b"\x02" + b"x" * (serving.LONGEST_MESSAGE + 1))
        await client.until_closed()
    assert client.close_code == 1009
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.run("echo alive-$((1+1))", "alive-2")


async def _raw(client: Client) -> socket.socket:
    """The client's TCP socket, for what no websocket library sends; nobody reads it any more."""
    client._receiving.cancel()
    transport = client.socket.transport
    transport.pause_reading()
    raw = transport.get_extra_info("socket")
    return socket.socket(fileno=os.dup(raw.fileno()))


async def test_noise_behind_the_handshake(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    for noise in (os.urandom(500), b"\xff" * 100, b"GET / HTTP/1.1\r\n\r\n" * 20):
        async with desk.attach(session, alice) as client:
            await client.until_ready()
            with await _raw(client) as raw:
                raw.setblocking(False)
                await asyncio.get_running_loop().sock_sendall(raw, noise)
            await until(_few(desk, 0), "the server closes it")
            client.socket.transport.abort()
            client._receiving = asyncio.create_task(asyncio.sleep(0))
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.run("echo alive-$((1+1))", "alive-2")


async def test_pings_nobody_reads_the_answers_of_pile_up_nowhere(desk: Desk, node: Node, alice: User) -> None:
    """Both kinds: the websocket's own and the protocol's."""
    session = await desk.open(alice, node.target())
    mask = bytes(4)
    for ping in (b"\x89\xfd" + mask + b"x" * 125, b"\x82\xc1" + mask + b"\x05" + b"x" * 64):
        async with desk.attach(session, alice) as client:
            await client.until_ready()
            with await _raw(client) as raw:
                raw.setblocking(False)
                # The kernel keeps little, so that what is kept must be the server's.
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                for connection in desk.server.connections:
                    kept = connection.transport.get_extra_info("socket")
                    kept.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(3):
                        for _ in range(80):
                            await asyncio.get_running_loop().sock_sendall(raw, ping * 500)
                waiting = [one.transport.get_write_buffer_size() for one in desk.server.connections]
            assert waiting
            assert max(waiting) < 512 * 1024
            client.socket.transport.abort()
            client._receiving = asyncio.create_task(asyncio.sleep(0))


def _few(desk: Desk, count: int) -> Callable[[], Awaitable[bool]]:
    async def reached() -> bool:
        return len(desk.server.connections) <= count

    return reached


@pytest.mark.parametrize("said", [b"", b"GET /ws/termi", b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "])
async def test_who_connects_and_does_not_finish_a_request_is_let_go(
    desk: Desk, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "REQUEST_SECONDS", 0.5)
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.server.port)
    writer.write(said)
    async with asyncio.timeout(LIMIT):
        # Slowly on and on does not help.
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"x" if said else b"")
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.1):
                        if not await reader.read(1):
                            break
    writer.close()
    await until(_few(desk, 0), "nothing of it is left")


async def test_no_session_of_another_person_is_reachable_by_id(
    desk: Desk, node: Node, alice: User, charlie: User
) -> None:
    session = await desk.open(alice, node.target())
    await sync_to_async(desk.token)(charlie)
    async with desk.attach(session, alice) as owner:
        await owner.until_ready()
        plain = f"/ws/terminal-sessions/{session.pk}/"
        routed = f"/ws/gateways/main/terminal-sessions/{session.pk}/"
        told = set()
        for path in (
            plain,
            routed,
            plain.replace(session.pk, session.pk[:-1] + "A"),
            plain.swapcase().lower(),
        ):
            url = f"ws://127.0.0.1:{desk.server.port}{path}"
            try:
                async with Client(url, desk.tokens[charlie.pk]) as client:
                    await client.until_closed()
            except websockets.InvalidHandshake:
                continue
            assert client.ready is None
            assert client.output == b""
            told.add((client.close_code, client.close_reason))
        assert told == {(4404, "not_found")}
        assert len(owner.notices) == 0
