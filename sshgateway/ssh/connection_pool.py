"""Shared SSH connections: the shells of one person on one node use one connection, and nobody else's shells do.

A node checks a certificate when a connection is made, not when a shell is opened on it. So a connection accepts new
shells only for a while, and none after access was withdrawn from its person (`retire`); the gateway ends the shells
that are open on it one by one. A connection without a shell is closed soon.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from sshgateway.ssh import transport
from sshgateway.ssh.credential import Credential
from sshgateway.ssh.errors import ChannelRefused
from sshgateway.ssh.shell_channel import ShellChannel
from sshgateway.ssh.ssh_connection import SSHConnection, attach_to_loop
from sshgateway.ssh.targets import Target

CONNECT_SECONDS = 15.0
CONNECTS_AT_ONCE = 16
# What OpenSSH allows a connection by default (MaxSessions). A node that allows fewer refuses, and we remember it.
SHELLS_PER_CONNECTION = 10
ACCEPTS_SHELLS_SECONDS = 300.0
IDLE_SECONDS = 30.0
CLOSE_SECONDS = 2.0

IssueCredential = Callable[[], Awaitable[Credential]]


@dataclass(eq=False)
class _Entry:
    """A connection and how many shells it accepts, until when (loop time)."""

    connection: SSHConnection
    accepts_until: float
    most_shells: int = SHELLS_PER_CONNECTION
    closing: asyncio.TimerHandle | None = None

    @property
    def in_use(self) -> bool:
        """Whether shells are open on it."""
        return self.connection.active and self.connection.shells > 0

    def accepts_shells(self, now: float) -> bool:
        """Whether another shell may be opened on it."""
        return (
            self.connection.active and now < self.accepts_until and self.connection.shells < self.most_shells
        )

    def cancel_closing(self) -> None:
        """Stop the timer that would close it."""
        if self.closing is not None:
            self.closing.cancel()
            self.closing = None


@dataclass(eq=False)
class _Group:
    """The connections of one person to one target. `connecting` has one made at a time; waiters may then share it."""

    person_id: int
    target: Target
    entries: list[_Entry] = field(default_factory=list)
    connecting: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiters: int = 0

    def accepting(self, now: float) -> _Entry | None:
        """Return a connection that accepts another shell, if there is one."""
        return next((entry for entry in self.entries if entry.accepts_shells(now)), None)


class ConnectionPool:
    """One per gateway. Use it on its event loop only."""

    def __init__(self) -> None:
        self._groups: dict[tuple[int, Target], _Group] = {}
        # Connecting may take seconds; nothing else waits for it.
        self._connectors = ThreadPoolExecutor(CONNECTS_AT_ONCE, "terminal-connect")

    @property
    def count(self) -> int:
        """How many connections there are."""
        return sum(len(group.entries) for group in self._groups.values())

    async def open_shell(
        self, person_id: int, target: Target, issue: IssueCredential, size: tuple[int, int], window: int
    ) -> ShellChannel:
        """Open a shell on a connection of this person, on a new one if necessary. Raises an SSHError.

        `issue` is called for a credential only where a new connection is made.
        """
        group = self._groups.setdefault((person_id, target), _Group(person_id, target))
        group.waiters += 1
        try:
            while True:
                entry = await self._accepting_entry(group, issue)
                others = entry.connection.shells
                try:
                    return await entry.connection.open_shell(*size, window)
                except ChannelRefused:
                    if others == 0:
                        raise
                    entry.most_shells = min(entry.most_shells, others)  # full: try another connection
                finally:
                    self._close_if_empty(group, entry)
        finally:
            group.waiters -= 1
            self._drop_if_unused(group)

    def retire(self, person_id: int) -> None:
        """Open no more shells on this person's connections: their certificates may not be valid any more."""
        for group in [group for group in self._groups.values() if group.person_id == person_id]:
            for entry in list(group.entries):
                entry.accepts_until = 0.0
                self._close_if_empty(group, entry)

    async def shut_down(self) -> None:
        """Close every connection. What was written is still sent, within `CLOSE_SECONDS`."""
        closing = []
        for group in list(self._groups.values()):
            for entry in list(group.entries):
                entry.accepts_until = 0.0
                entry.connection.close()
                self._close_if_empty(group, entry)
                closing.append(asyncio.create_task(entry.connection.wait_closed()))
        if closing:
            _, late = await asyncio.wait(closing, timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()
        self._connectors.shutdown(wait=False, cancel_futures=True)

    async def _accepting_entry(self, group: _Group, issue: IssueCredential) -> _Entry:
        loop = asyncio.get_running_loop()
        if (entry := group.accepting(loop.time())) is not None:
            return entry
        async with group.connecting:
            return group.accepting(loop.time()) or await self._connect(group, issue)

    async def _connect(self, group: _Group, issue: IssueCredential) -> _Entry:
        loop = asyncio.get_running_loop()
        credential = await issue()
        log_in = partial(transport.log_in, group.target, credential, timeout=CONNECT_SECONDS, for_loop=True)
        connecting = loop.run_in_executor(self._connectors, log_in)
        try:
            login = await asyncio.shield(connecting)
        except asyncio.CancelledError:
            connecting.add_done_callback(_hang_up)
            raise
        connection = await attach_to_loop(login, partial(self._connection_idle, group))
        entry = _Entry(connection, loop.time() + ACCEPTS_SHELLS_SECONDS)
        group.entries.append(entry)
        return entry

    def _connection_idle(self, group: _Group, connection: SSHConnection) -> None:
        for entry in list(group.entries):
            if entry.connection is connection:
                self._close_if_empty(group, entry)

    def _close_if_empty(self, group: _Group, entry: _Entry) -> None:
        """Drop a connection that broke; close an empty one soon, or at once if it accepts no more shells."""
        entry.cancel_closing()
        if entry.in_use:
            return
        loop = asyncio.get_running_loop()
        if entry.connection.active and loop.time() < entry.accepts_until:
            entry.closing = loop.call_later(IDLE_SECONDS, self._close, group, entry)
        else:
            self._close(group, entry)

    def _close(self, group: _Group, entry: _Entry) -> None:
        if entry.in_use:
            return
        if entry in group.entries:
            group.entries.remove(entry)
        entry.connection.close()
        self._drop_if_unused(group)

    def _drop_if_unused(self, group: _Group) -> None:
        key = (group.person_id, group.target)
        if not group.entries and not group.waiters and self._groups.get(key) is group:
            del self._groups[key]


def _hang_up(connecting: "asyncio.Future[transport.LoggedIn]") -> None:
    """Close a connection that nobody waits for any more."""
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().transport.sock.close()
