"""A fault in the portal's own code: it is logged with its traceback and ends no more than it must."""

import asyncio
import logging
from typing import Any

import pytest

from sshgateway.ssh import connection_pool, packetizer
from sshgateway.ssh.shell_channel import ShellChannel
from tests.sshgateway.ssh.shells import Opener, Reader
from tests.sshgateway.sshd import Node
from tests.waiting import LIMIT

pytestmark = pytest.mark.django_db(transaction=True)


class Faulty(Reader):
    """A listener with a fault in it."""

    def shell_printed(self, data: bytes) -> None:
        raise TypeError("a fault of ours")


def faults(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The tracebacks that were logged as errors."""
    caplog.handler.setFormatter(logging.Formatter())
    return [
        caplog.handler.format(record)
        for record in caplog.records
        if record.levelno >= logging.ERROR and record.exc_info
    ]


async def test_a_listener_that_fails_loses_its_shell_and_the_others_go_on(
    opener: Opener,
    node: Node,
    caplog: pytest.LogCaptureFixture,
) -> None:
    good = Reader(await opener.shell(node.target()))
    bad = Faulty(await opener.shell(node.target()))
    bad.shell.write(b"echo something\n")
    await bad.until(lambda one: one.over)
    assert bad.shell.failed
    assert bad.shell.connected
    (logged,) = faults(caplog)
    assert "TypeError: a fault of ours" in logged
    assert "Traceback" in logged
    await good.run("echo alive-$((1+1))", "alive-2")
    assert not good.shell.failed
    assert opener.logins == 1


async def test_the_channel_of_a_listener_that_failed_is_released(
    opener: Opener,
    node: Node,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection_pool, "IDLE_SECONDS", 0.0)
    bad = Faulty(await opener.shell(node.target()))
    bad.shell.write(b"echo something\n")
    await bad.until(lambda one: one.over)
    async with asyncio.timeout(LIMIT):
        while opener.pool.count:
            await asyncio.sleep(0.02)


async def test_a_fault_in_reading_packets_is_logged_and_said_to_be_ours(
    opener: Opener,
    node: Node,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = Reader(await opener.shell(node.target()))
    await reader.run("echo up-$((1+1))", "up-2")

    def broken(self: packetizer.LoopPacketizer, length: int) -> Any:
        raise AttributeError("a fault of ours")

    monkeypatch.setattr(packetizer.LoopPacketizer, "_decrypt_gcm", broken)
    reader.shell.write(b"echo something\n")
    await reader.until(lambda one: one.over)
    assert reader.shell.failed
    (logged,) = faults(caplog)
    assert "AttributeError: a fault of ours" in logged


async def test_a_fault_in_sending_is_logged_and_said_to_be_ours(
    opener: Opener,
    node: Node,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = Reader(await opener.shell(node.target()))

    def broken(self: packetizer.LoopPacketizer, payload: bytes) -> None:
        raise LookupError("a fault of ours")

    monkeypatch.setattr(packetizer.LoopPacketizer, "send_payload", broken)
    reader.shell.write(b"echo something\n")
    await reader.until(lambda one: one.over)
    assert reader.shell.failed
    assert ["LookupError: a fault of ours" in logged for logged in faults(caplog)] == [True]


async def test_a_fault_in_handling_a_message_ends_the_connection_with_a_log_line(
    opener: Opener,
    node: Node,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = Reader(await opener.shell(node.target()))

    def broken(self: ShellChannel, kind: int, payload: bytes) -> None:
        raise ValueError("a fault of ours")

    monkeypatch.setattr(ShellChannel, "handle_message", broken)
    reader.shell.write(b"exit\n")
    await reader.until(lambda one: one.over)
    assert reader.shell.failed
    assert ["ValueError: a fault of ours" in logged for logged in faults(caplog)] == [True]


async def test_a_node_that_breaks_the_connection_is_no_fault_of_ours(
    opener: Opener,
    node: Node,
    caplog: pytest.LogCaptureFixture,
) -> None:
    reader = Reader(await opener.shell(node.target()))
    reader.shell.write(b"kill -9 $PPID\n")
    await reader.until(lambda one: one.over)
    assert not reader.shell.failed
    assert faults(caplog) == []
