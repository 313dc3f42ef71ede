"""Floods, stalls and the way out of them: memory stays bounded, the remote blocks, Ctrl-C works at once."""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Callable

import pytest
import websockets

from accounts.models import User
from sshgateway.terminals.attachment import INPUT_WINDOW, WINDOW
from sshgateway.terminals.frames import Ack, Input
from tests.sshgateway.client import Client
from tests.sshgateway.conftest import Desk, until
from tests.sshgateway.sshd import Node

pytestmark = pytest.mark.django_db(transaction=True)


async def test_ctrl_c_ends_a_flood_at_once(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.run("echo ready-$((1+1))", "ready-2")
        await client.type("yes flood\n")
        await client.until(lambda c: c.offset > 4_000_000, "4 MB of flood", limit=60)
        client.output = b""
        pressed = time.monotonic()
        await client.type(b"\x03")
        await client.type("echo back-$((40+2))\n")
        await client.until_output("back-42")
        took = time.monotonic() - pressed
    # Only what was under way may still come: the two windows and the network's buffers.
    assert took < 3, f"the prompt came after {took:.1f} s"


async def test_a_client_that_acknowledges_nothing_blocks_the_remote(
    desk: Desk, node: Node, alice: User
) -> None:
    """What is sent stops at the window, the program on the node stops too, and nothing is lost afterwards."""
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        client.acknowledging = False
        progress = node.folder / "progress"
        await client.type(
            f"for i in $(seq 1 400); do head -c 16384 /dev/zero | tr '\\0' x; echo $i > {progress}; done; "
            "echo; echo all-$((1+1))\n"
        )
        await client.until(lambda c: c.offset >= WINDOW, "the window fills")
        blocked_at = await _until_still(lambda: progress.read_text())
        assert client.offset <= WINDOW
        # One window bounds the whole way; beyond it there are only the terminal's and sshd's own buffers.
        assert int(blocked_at or 0) * 16384 < WINDOW + 256 * 1024
        assert int(blocked_at or 0) < 400
        client.acknowledging = True
        await client.send(Ack(client.offset))
        await client.until_output("all-2", limit=60)
        assert client.output.count(b"x") >= 400 * 16384


async def test_input_works_while_output_is_stalled(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        client.acknowledging = False
        await client.type("yes stalled\n")
        await client.until(lambda c: c.offset >= WINDOW, "the window fills")
        marker = node.folder / "interrupted"
        await client.type(b"\x03")
        await client.type(f"touch {marker}\n")

        async def interrupted() -> bool:
            return marker.exists()

        await until(interrupted, "the shell is back")


async def test_a_paste_that_ignores_the_input_window_is_refused(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.run("stty raw -echo; echo raw-$((1+1)); sleep 60", "raw-2")
        with contextlib.suppress(websockets.ConnectionClosed):
            for _ in range(100):
                await client.send(Input(b"p" * 60_000))
        await client.until_closed()
    assert (client.close_code, client.close_reason) == (4400, "input_overflow")


async def _until_acked_beyond(client: Client, base: int) -> None:
    await client.until(lambda c: c.input_acked > base, "INPUT_ACK")


async def test_a_big_paste_within_the_window_arrives_whole(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    lines = [f"line {number:06d} " + "z" * 80 for number in range(6000)]
    paste = ("\n".join(lines) + "\n").encode()
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.run("stty -echo; echo quiet-$((1+1))", "quiet-2")
        await client.type(f"head -c {len(paste)} | sha256sum; echo done-$((1+1))\n")
        sent = 0
        while sent < len(paste):
            base = client.input_acked
            room = INPUT_WINDOW - (client.typed - base)
            if room < 16_384:
                await _until_acked_beyond(client, base)
                continue
            chunk = paste[sent : sent + min(room, 16_384)]
            await client.type(chunk)
            sent += len(chunk)
        await client.until_output("done-2")
    assert hashlib.sha256(paste).hexdigest().encode() in client.output


async def _until_still(read: Callable[[], str], quiet: float = 1.0, limit: float = 30.0) -> str | None:
    """The value once it has not changed for `quiet` seconds."""
    end = time.monotonic() + limit
    value: str | None = None
    since = time.monotonic()
    while time.monotonic() - since < quiet:
        assert time.monotonic() < end, "it never came to rest"
        await asyncio.sleep(0.05)
        try:
            now: str | None = read()
        except OSError:
            now = None
        if now != value:
            value, since = now, time.monotonic()
    return value
