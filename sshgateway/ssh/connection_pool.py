"""The lines of a gateway process: one a person and node, shared by that person's shells there, and by nobody else's.

A node checks a person's certificate when a line is made, not when a shell is opened on it. So a line takes new shells
only for a while, and none any more once access was withdrawn from its person (`retire`); what is open on it is ended
by the gateway, shell by shell. A line with no shell closes soon.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from sshgateway.certificates.credentials import Credential
from sshgateway.ssh import transport
from sshgateway.ssh.errors import ChannelRefused
from sshgateway.ssh.shell_channel import Shell
from sshgateway.ssh.ssh_connection import SSHConnection, carry
from sshgateway.ssh.targets import Target

CONNECT_SECONDS = 15.0
CONNECTS_AT_ONCE = 16
# What OpenSSH allows a connection by itself (MaxSessions). Where a node allows fewer it says so, and is believed.
SHELLS_A_LINE = 10
TAKES_SHELLS_SECONDS = 300.0
EMPTY_SECONDS = 30.0
CLOSE_SECONDS = 2.0

Issue = Callable[[], Awaitable[Credential]]


@dataclass
class _Place:
    """The lines of one person to one target. `making` lets one be made at a time; who waits may find room on it."""

    lines: list["_Kept"] = field(default_factory=list)
    making: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


@dataclass
class _Kept:
    """A line and whether it takes shells."""

    line: SSHConnection
    until: float
    room: int = SHELLS_A_LINE
    closing: asyncio.TimerHandle | None = None

    def takes(self, now: float) -> bool:
        return self.line.active and now < self.until and self.line.shells < self.room


class ConnectionPool:
    """One per gateway. Use it on its event loop only."""

    def __init__(self) -> None:
        self._places: dict[tuple[int, Target], _Place] = {}
        # Connecting may take seconds; nothing else waits for it.
        self._connectors = ThreadPoolExecutor(CONNECTS_AT_ONCE, "terminal-connect")

    @property
    def count(self) -> int:
        """How many lines there are."""
        return sum(len(place.lines) for place in self._places.values())

    async def open_shell(
        self, person: int, target: Target, issue: Issue, size: tuple[int, int], window: int
    ) -> Shell:
        """A shell for `person` on a line of theirs, on a new one if need be. Raises one of the SSHError tree."""
        key = (person, target)
        place = self._places.setdefault(key, _Place())
        place.users += 1
        try:
            while True:
                kept = self._with_room(place)
                if kept is None:
                    async with place.making:
                        kept = self._with_room(place) or await self._make(key, place, issue)
                others = kept.line.shells
                try:
                    return await kept.line.open_shell(*size, window)
                except ChannelRefused:
                    if others == 0:
                        raise
                    kept.room = min(kept.room, others)  # full, says the node: another line may not be
                finally:
                    self._close_if_empty(key, kept)
        finally:
            place.users -= 1
            self._tidy(key)

    def retire(self, person: int) -> None:
        """Open no more shells on the lines this person has: what they were made with may not be good any more."""
        for key, place in list(self._places.items()):
            if key[0] == person:
                for kept in list(place.lines):
                    kept.until = 0.0
                    self._close_if_empty(key, kept)

    async def shut_down(self) -> None:
        """Close them all; what was written to them is still sent, for as long as there is time."""
        lines = [kept.line for place in self._places.values() for kept in place.lines]
        for key, place in list(self._places.items()):
            for kept in list(place.lines):
                kept.until = 0.0
                kept.line.close()
                self._close_if_empty(key, kept)
        if lines:
            going = [asyncio.create_task(line.wait_gone()) for line in lines]
            _, slow = await asyncio.wait(going, timeout=CLOSE_SECONDS)
            for task in slow:
                task.cancel()
        self._connectors.shutdown(wait=False, cancel_futures=True)

    def _with_room(self, place: _Place) -> _Kept | None:
        now = asyncio.get_running_loop().time()
        return next((kept for kept in place.lines if kept.takes(now)), None)

    async def _make(self, key: tuple[int, Target], place: _Place, issue: Issue) -> _Kept:
        loop = asyncio.get_running_loop()
        credential = await issue()
        work = partial(transport.log_in, key[1], credential, timeout=CONNECT_SECONDS, leave_thread=True)
        connecting = loop.run_in_executor(self._connectors, work)
        try:
            login = await asyncio.shield(connecting)
        except asyncio.CancelledError:
            connecting.add_done_callback(_hang_up)
            raise
        kept = _Kept(await carry(login), loop.time() + TAKES_SHELLS_SECONDS)
        kept.line.on_quiet = partial(self._close_if_empty, key, kept)
        place.lines.append(kept)
        return kept

    def _close_if_empty(self, key: tuple[int, Target], kept: _Kept) -> None:
        """Drop a line that broke; let one that is empty close, at once if it takes no shells any more."""
        loop = asyncio.get_running_loop()
        if kept.closing is not None:
            kept.closing.cancel()
            kept.closing = None
        if kept.line.active and kept.line.shells:
            return
        if kept.line.active and loop.time() < kept.until:
            kept.closing = loop.call_later(EMPTY_SECONDS, self._close, key, kept)
        else:
            self._close(key, kept)

    def _close(self, key: tuple[int, Target], kept: _Kept) -> None:
        if kept.line.active and kept.line.shells:
            return
        kept.line.close()
        place = self._places.get(key)
        if place is not None:
            with contextlib.suppress(ValueError):
                place.lines.remove(kept)
            self._tidy(key)

    def _tidy(self, key: tuple[int, Target]) -> None:
        place = self._places.get(key)
        if place is not None and not place.lines and not place.users:
            del self._places[key]


def _hang_up(connecting: "asyncio.Future[transport.LoggedIn]") -> None:
    """A connection nobody waits for any more."""
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().transport.sock.close()
