"""A thousand shells opened and closed: no thread, descriptor, process or row of them stays."""

import asyncio
import os
import subprocess
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from accounts.models import User
from sshgateway.models import TerminalSession
from sshgateway.ssh import connection_pool
from tests.sshgateway.conftest import Desk, until
from tests.sshgateway.sshd import Node

pytestmark = pytest.mark.django_db(transaction=True)

SESSIONS = 1000
AT_ONCE = 10


def processes_under(pid: int) -> list[str]:
    """What runs under a process, at any depth."""
    found = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,comm="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(None, 2) for line in found.splitlines()]
    under, names = {str(pid)}, []
    for _ in rows:
        more = [row for row in rows if row[1] in under and row[0] not in under]
        if not more:
            break
        under |= {row[0] for row in more}
        names += [row[2] for row in more]
    return names


def held() -> tuple[int, int]:
    """This process's threads and open files."""
    return threading.active_count(), len(os.listdir("/proc/self/fd"))


def nothing(answers: Callable[[], Any]) -> Callable[[], Awaitable[bool]]:
    """For `until`: whether there is nothing any more."""

    async def asked() -> bool:
        return not await asyncio.to_thread(answers)

    return asked


async def no_row() -> bool:
    """Whether every session has ended."""
    return not await TerminalSession.objects.filter(ended_at__isnull=True).aexists()


async def test_a_thousand_shells_leave_nothing(
    desk: Desk, make_node: Callable[..., Node], alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Closing an empty connection is part of it, and so is making new ones.
    monkeypatch.setattr(connection_pool, "IDLE_SECONDS", 0.1)
    node: Node = await sync_to_async(make_node)(more=["ForceCommand exec cat", "MaxStartups 100"])
    waiting = asyncio.Queue[int]()
    for number in range(SESSIONS):
        waiting.put_nowait(number)

    async def open_and_close() -> None:
        while not waiting.empty():
            number = waiting.get_nowait()
            session = await desk.open(alice, node.target())
            async with desk.attach(session, alice) as client:
                await client.until_ready()
                await client.run(f"number-{number}", f"number-{number}")
                if number % 3:
                    await client.close_shell()
                else:
                    await client.type(b"\x04")  # the shell ends by itself
                await client.until_closed()
                assert client.end is not None
                assert client.end.final

    await open_and_close_some(desk, node, alice)
    before = held()
    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(open_and_close())
    await until(nothing(lambda: processes_under(node.process.pid)), "sshd has no child left")
    await until(nothing(lambda: desk.server.connections), "no socket is left")
    await until(no_row, "no row is open")
    assert await TerminalSession.objects.filter(exit_status=0).acount() >= SESSIONS // 3
    await until(nothing(lambda: desk.server.tasks), "nothing serves a socket")
    threads, files = held()
    assert threads <= before[0] + 1
    assert files <= before[1] + 2


async def open_and_close_some(desk: Desk, node: Node, alice: User) -> None:
    """What is made once and kept: thread pools, connections to Redis."""
    for _ in range(20):
        session = await desk.open(alice, node.target())
        async with desk.attach(session, alice) as client:
            await client.until_ready()
            await client.close_shell()
            await client.until_closed()
    await until(nothing(lambda: processes_under(node.process.pid)), "sshd has no child left")
