"""Opens shells on pooled connections for tests, and listens to them."""

import asyncio
from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async

from sshgateway.certificates.credentials import issue_credential
from sshgateway.ssh.connection_pool import ConnectionPool
from sshgateway.ssh.credential import Credential
from sshgateway.ssh.shell_channel import ShellChannel
from sshgateway.ssh.targets import Target
from tests.waiting import LIMIT

ALICE, BOB = 1, 2


class Reader:
    """Listens to a shell."""

    def __init__(self, shell: ShellChannel, granting: bool = True) -> None:
        self.shell, self.granting = shell, granting
        self.output = b""
        self.size = 0
        self.over = False
        self._news = asyncio.Event()
        shell.start(self)

    def shell_printed(self, data: bytes) -> None:
        self.output = (self.output + data)[-100_000:]
        self.size += len(data)
        if self.granting:
            self.shell.grant(len(data))
        self._news.set()

    def shell_writable(self) -> None:
        self._news.set()

    def shell_over(self) -> None:
        self.over = True
        self._news.set()

    async def until(self, condition: Callable[["Reader"], Any], limit: float = LIMIT) -> None:
        async with asyncio.timeout(limit):
            while not condition(self):
                await self._news.wait()
                self._news.clear()

    async def run(self, command: str, answer: str) -> None:
        self.shell.write(f"{command}\n".encode())
        await self.until(lambda reader: answer.encode() in reader.output)


class Opener:
    """Opens shells on connections, and counts the logins."""

    def __init__(self) -> None:
        self.pool = ConnectionPool()
        self.logins = 0

    async def shell(self, target: Target, person: int = ALICE, window: int = 100_000) -> ShellChannel:
        async def issue() -> Credential:
            self.logins += 1
            return await sync_to_async(issue_credential)(
                target.principal, for_whom="test", target=target.address, permits_pty=True
            )

        return await self.pool.open_shell(person, target, issue, (80, 24), window)
