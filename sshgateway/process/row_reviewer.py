"""Keep the sessions of one gateway process and their rows in step.

Every few seconds, or as soon as a message says so, the process writes heartbeats and counters of its sessions, checks
access again, ends what the rows say, and closes what nobody came back to. The rows are authoritative; a message only
makes the next look earlier.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from channels.layers import get_channel_layer
from django.conf import settings

from sshgateway.process import session_store
from sshgateway.process.live_session import LiveSession
from sshgateway.process.session_store import ReviewResult, in_database
from sshgateway.sessions import notices
from sshgateway.sessions.gateway_wakeups import GATEWAY_GROUP
from sshgateway.ssh.connection_pool import ConnectionPool
from sshgateway.terminals.end_reasons import KEEPS_ACCESS

log = logging.getLogger(__name__)

T = TypeVar("T")

REVIEW_SECONDS = 3.0
RETRY_SECONDS = 1.0
# Few at a time: while rows are read, keystrokes wait for the interpreter.
SESSIONS_AT_ONCE = 25


class RowReviewer:
    """Reviews the given live sessions on the event loop while there are any."""

    def __init__(self, sessions: Mapping[str, LiveSession], connections: ConnectionPool) -> None:
        self._sessions = sessions
        self._connections = connections
        self._reviewing: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        # Sessions to review before the next review of all.
        self._urgent: set[str] = set()

    def start(self) -> None:
        """Start reviewing and listening, unless it runs already."""
        if self._reviewing is None or self._reviewing.done():
            self._reviewing = asyncio.create_task(self._review_while_open())
        if self._listening is None or self._listening.done():
            self._listening = asyncio.create_task(self._listen())

    async def stop(self) -> None:
        """Stop reviewing and listening."""
        for task in (self._reviewing, self._listening):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    def request_review(self, session_ids: Iterable[str]) -> None:
        """Review these sessions now; ids of sessions in other processes are ignored."""
        mine = self._sessions.keys() & set(session_ids)
        if mine:
            self._urgent |= mine
            self._woken.set()

    async def _listen(self) -> None:
        """Receive the messages that actions send. Without them, the regular reviews find everything, later."""
        layer = get_channel_layer()
        while layer is not None:
            try:
                channel = await layer.new_channel()
                await layer.group_add(GATEWAY_GROUP, channel)
                try:
                    while True:
                        self.request_review((await layer.receive(channel)).get("sessions", ()))
                finally:
                    await layer.group_discard(GATEWAY_GROUP, channel)
            except Exception:  # Redis may be away for a moment
                log.warning("Messages about terminal sessions cannot be received; retrying.", exc_info=True)
                await asyncio.sleep(RETRY_SECONDS)

    async def _review_while_open(self) -> None:
        loop = asyncio.get_running_loop()
        all_due = loop.time() + REVIEW_SECONDS
        while self._sessions:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(all_due):
                    await self._woken.wait()
            self._woken.clear()
            urgent, self._urgent = self._urgent, set()
            try:
                if loop.time() >= all_due:
                    for some in batched(list(self._sessions), SESSIONS_AT_ONCE):
                        await self._review(some)
                    all_due = loop.time() + REVIEW_SECONDS
                else:
                    await self._review(urgent)
            except Exception:  # the database may be away for a moment; the shells are not
                log.exception("The rows of terminal sessions could not be reviewed; retrying.")
                self._urgent |= urgent
                await asyncio.sleep(RETRY_SECONDS)

    async def _review(self, session_ids: Iterable[str]) -> None:
        held = [self._sessions[key] for key in session_ids if key in self._sessions]
        open_sessions = {session.id: session for session in held if not session.has_ended}
        await self._show_notices(open_sessions)
        reports = [session.report() for session in open_sessions.values()]
        results = await in_database(session_store.review)(reports)
        now = asyncio.get_running_loop().time()
        for session_id, result in results.items():
            session = open_sessions[session_id]
            if withdraws_access(result):
                self._connections.retire(session.owner_id)
            session.apply_review(result, now)
        for session in open_sessions.values():
            session.end_if_deserted(now, _grace_seconds())

    async def _show_notices(self, sessions: Mapping[str, LiveSession]) -> None:
        attended = [session.id for session in sessions.values() if session.has_clients]
        for session_id, sentence in await in_database(notices.take_unshown)(attended):
            sessions[session_id].terminal.notify(sentence)


def withdraws_access(result: ReviewResult) -> bool:
    """Whether the owner may have lost access, so that no new shell may be opened on their connections.

    What happens to a guest says nothing about the owner, nor does an end that the owner or an administrator asked for.
    """
    return result.owner_expelled or (result.end is not None and result.end.reason not in KEEPS_ACCESS)


def batched(things: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield the things in order, at most `size` at a time."""
    return (things[begin : begin + size] for begin in range(0, len(things), size))


def _grace_seconds() -> float:
    """Return how long a shell waits for somebody to come back to it."""
    return float(settings.HEADNODE_TERMINAL_GRACE_SECONDS)
