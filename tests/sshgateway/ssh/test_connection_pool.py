"""Connections to nodes: shared by one person's shells on one node only; no thread; every cipher; new keys."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any

import paramiko
import pytest
from asgiref.sync import sync_to_async

from sshgateway.ssh import connection_pool, packetizer
from sshgateway.ssh.errors import ChannelRefused, HostKeyChanged
from tests.sshgateway.ssh.shells import ALICE, BOB, Opener, Reader
from tests.sshgateway.sshd import Node
from tests.waiting import LIMIT

pytestmark = pytest.mark.django_db(transaction=True)


async def test_shells_of_one_person_to_one_node_share_a_connection(opener: Opener, node: Node) -> None:
    shells = [await opener.shell(node.target()) for _ in range(connection_pool.SHELLS_PER_CONNECTION)]
    assert (opener.logins, opener.pool.count) == (1, 1)
    readers = [Reader(shell) for shell in shells]
    for number, reader in enumerate(readers):
        await reader.run(f"echo shell-$(({number}+100))", f"shell-{number + 100}")
    assert not [thread for thread in threading.enumerate() if isinstance(thread, paramiko.Transport)]


async def test_one_more_than_a_connection_carries_opens_another(opener: Opener, node: Node) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(connection_pool.SHELLS_PER_CONNECTION + 1):
            group.create_task(opener.shell(node.target()))
    assert (opener.logins, opener.pool.count) == (2, 2)


async def test_another_person_never_gets_the_same_connection(opener: Opener, node: Node) -> None:
    await opener.shell(node.target(), ALICE)
    await opener.shell(node.target(), BOB)
    assert (opener.logins, opener.pool.count) == (2, 2)


async def test_another_login_or_other_host_keys_get_their_own(
    opener: Opener, make_node: Callable[..., Node]
) -> None:
    node = await sync_to_async(make_node)(key_types=("ed25519", "ecdsa"))
    await opener.shell(node.target())
    await opener.shell(node.target(host_keys=(node.keys["ecdsa"],)))
    await opener.shell(node.target(subject="test:2"))
    assert opener.logins == 3


async def test_a_node_that_allows_fewer_is_believed(opener: Opener, make_node: Callable[..., Node]) -> None:
    node = await sync_to_async(make_node)(more=["MaxSessions 2"])
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(opener.shell(node.target())) for _ in range(5)]
    readers = [Reader(task.result()) for task in tasks]
    for reader in readers:
        await reader.run("echo works-$((1+1))", "works-2")
    assert opener.logins == 3


async def test_a_node_that_gives_no_shell_at_all_says_so(
    opener: Opener, make_node: Callable[..., Node]
) -> None:
    node = await sync_to_async(make_node)(more=["MaxSessions 0"])
    with pytest.raises(ChannelRefused, match="refused what was asked for"):
        await opener.shell(node.target())


async def test_after_access_was_withdrawn_nothing_new_is_opened_on_a_connection(
    opener: Opener, node: Node
) -> None:
    open_still = Reader(await opener.shell(node.target()))
    opener.pool.retire(ALICE)
    await opener.shell(node.target())
    assert opener.logins == 2
    # What is open on it is for the gateway to end, shell by shell.
    await open_still.run("echo still-$((1+1))", "still-2")
    open_still.shell.close()
    async with asyncio.timeout(LIMIT):
        while opener.pool.count > 1:
            await asyncio.sleep(0.02)


async def test_a_connection_accepts_shells_only_for_a_while(
    opener: Opener, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_pool, "ACCEPTS_SHELLS_SECONDS", 0.0)
    await opener.shell(node.target())
    await opener.shell(node.target())
    assert opener.logins == 2


async def test_an_empty_connection_is_closed_soon_and_until_then_used_again(
    opener: Opener, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_pool, "IDLE_SECONDS", 0.5)
    (await opener.shell(node.target())).close()
    again = await opener.shell(node.target())
    assert opener.logins == 1
    again.close()
    async with asyncio.timeout(LIMIT):
        while opener.pool.count:
            await asyncio.sleep(0.02)


async def test_a_broken_connection_ends_its_shells_and_the_next_gets_a_new_one(
    opener: Opener, make_node: Callable[..., Node]
) -> None:
    node = await sync_to_async(make_node)()
    reader = Reader(await opener.shell(node.target()))
    await reader.run("echo up-$((1+1))", "up-2")
    reader.shell.write(b"kill -9 $PPID\n")
    await reader.until(lambda one: one.over)
    assert not reader.shell.connected
    assert await reader.shell.exit_status() is None
    await Reader(await opener.shell(node.target())).run("echo again-$((1+1))", "again-2")


@pytest.mark.parametrize(
    "algorithms",
    [
        ["Ciphers aes256-gcm@openssh.com"],
        ["Ciphers aes128-ctr", "MACs hmac-sha2-256"],
        ["Ciphers aes256-ctr", "MACs hmac-sha2-512-etm@openssh.com"],
    ],
    ids=["gcm", "ctr", "ctr-etm"],
)
async def test_other_ciphers_carry_the_same_bytes(
    opener: Opener, make_node: Callable[..., Node], algorithms: list[str]
) -> None:
    node = await sync_to_async(make_node)(more=algorithms)
    reader = Reader(await opener.shell(node.target()))
    await reader.run("stty -opost -echo; echo raw-$((1+1))", "raw-2")
    size = reader.size
    await reader.run("seq 1 100000; echo all-$((1+1))", "all-2")
    assert reader.size - size >= len("".join(f"{n}\n" for n in range(1, 100001)))


@pytest.fixture
def new_keys(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One number for each time that keys were changed; the first are those of the handshake."""
    changes: list[int] = []
    plain = packetizer.LoopPacketizer.set_inbound_cipher

    def counted(self: packetizer.LoopPacketizer, *fixed: Any, **named: Any) -> None:
        changes.append(1)
        plain(self, *fixed, **named)

    monkeypatch.setattr(packetizer.LoopPacketizer, "set_inbound_cipher", counted)
    return changes


@pytest.mark.parametrize("algorithms", [[], ["Ciphers aes128-ctr", "MACs hmac-sha2-256"]], ids=["gcm", "ctr"])
async def test_new_keys_are_negotiated_in_the_middle_of_a_flood(
    opener: Opener, make_node: Callable[..., Node], new_keys: list[int], algorithms: list[str]
) -> None:
    """The node asks for new keys every 256 kB; not a byte may be lost, doubled or changed on the way."""
    node = await sync_to_async(make_node)(more=["RekeyLimit 256K", *algorithms])
    reader = Reader(await opener.shell(node.target()))
    await reader.run("stty -opost -echo; echo raw-$((1+1))", "raw-2")
    seen = bytearray()
    receive = reader.shell_printed

    def keep(data: bytes) -> None:
        seen.extend(data)
        receive(data)

    reader.shell_printed = keep  # type: ignore[method-assign]  # heard beside the test's reader
    await reader.run("seq 1 300000; echo all-$((1+1))", "all-2")
    numbers = b"".join(b"%d\n" % number for number in range(1, 300001))
    assert numbers in seen
    assert len(new_keys) > 3
    # Typing goes on through it as well.
    await reader.run("echo after-$((1+1))", "after-2")


async def test_we_ask_for_new_keys_ourselves(
    opener: Opener, node: Node, new_keys: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packetizer, "REKEY_BYTES", 200_000)
    reader = Reader(await opener.shell(node.target()))
    await reader.run("seq 1 200000; echo all-$((1+1))", "all-2")
    assert len(new_keys) > 3


async def test_what_is_not_granted_is_not_sent(opener: Opener, node: Node) -> None:
    reader = Reader(await opener.shell(node.target(), window=50_000), granting=False)
    reader.shell.write(b"yes\n")
    await reader.until(lambda one: one.size >= 50_000)
    reader.shell.grant(1000)
    await reader.until(lambda one: one.size >= 51_000)
    await asyncio.sleep(0.3)
    assert reader.size == 51_000


async def test_a_shell_nobody_reads_does_not_hold_up_the_others(opener: Opener, node: Node) -> None:
    stuck = Reader(await opener.shell(node.target(), window=50_000), granting=False)
    other = Reader(await opener.shell(node.target()))
    stuck.shell.write(b"yes\n")
    await stuck.until(lambda one: one.size >= 50_000)
    await other.run("echo free-$((1+1))", "free-2")
    assert opener.logins == 1


async def test_a_host_key_that_is_not_pinned_stops_it_before_anything_is_sent(
    opener: Opener, make_node: Callable[..., Node]
) -> None:
    real, other = await sync_to_async(make_node)(), await sync_to_async(make_node)()
    with pytest.raises(HostKeyChanged):
        await opener.shell(real.target(host_keys=(other.host_key,)))
    assert opener.pool.count == 0


async def test_giving_up_while_connecting_leaves_nothing(opener: Opener, node: Node) -> None:
    """The node answers only when nobody waits any more: then the connection is made, and hung up."""
    reached, go, hung_up = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        await go.wait()
        from_node, to_node = await asyncio.open_connection("127.0.0.1", node.port)
        answering = asyncio.create_task(pass_on(from_node, writer))
        await pass_on(reader, to_node)
        hung_up.set()
        to_node.close()
        await answering
        writer.close()

    async with await asyncio.start_server(hold, "127.0.0.1", 0) as slow:
        target = node.target(port=slow.sockets[0].getsockname()[1])
        opening = asyncio.create_task(opener.shell(target))
        async with asyncio.timeout(LIMIT):
            await reached.wait()
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
            go.set()
            await hung_up.wait()
    assert opener.pool.count == 0


async def pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Everything that comes, until it ends."""
    with contextlib.suppress(ConnectionError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
