"""The terminals one gateway process holds: opened, looked after, ended.

A pass every few seconds (or at a bell) over all terminals of the process: write heartbeat and counters, ask
the gatekeepers again, honour ends that were asked for, close what nobody came back to. Rows decide; bells
only hurry.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import weakref
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from channels.layers import get_channel_layer
from django.conf import settings

from sshgateway.models import TerminalSession
from sshgateway.process import session_store
from sshgateway.process.session_store import Report, Visitor, in_database
from sshgateway.recording.recorder import Recorder
from sshgateway.sessions import notices
from sshgateway.sessions.session_actions import BELL
from sshgateway.ssh import transport
from sshgateway.ssh.connection_pool import ConnectionPool
from sshgateway.terminals import end_reasons
from sshgateway.terminals.attachment import WINDOW
from sshgateway.terminals.end_reasons import End
from sshgateway.terminals.participants import Participants
from sshgateway.terminals.recording_policy import Mode
from sshgateway.terminals.roles import NOBODY, Participant
from sshgateway.terminals.terminal import Terminal

log = logging.getLogger(__name__)

T = TypeVar("T")

PASS_SECONDS = 3.0
STOP_SECONDS = 5.0
GOODBYE_SECONDS = 1.0


# Few at a time: while rows are looked at, keystrokes wait for the interpreter.
ROWS_AT_ONCE = 25
# Ends that say nothing against the person's lines to nodes.
ASKED_FOR = frozenset({"closed_by_owner", "closed_by_administrator"})


class NotHere(Exception):
    """There is no terminal to attach to. With `final` the session has ended; else it lives in another process."""

    def __init__(self, end: End, *, final: bool) -> None:
        super().__init__(end.reason)
        self.end = end
        self.final = final


class Gateway:
    """One per event loop; `current()` is the way to it."""

    def __init__(self) -> None:
        self.name = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._terminals: dict[str, Terminal] = {}
        self._owners: dict[str, int] = {}
        self._opening: dict[str, asyncio.Task[Terminal]] = {}
        self._saving: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._bell = asyncio.Event()
        # Whose rows are to be looked at before the next pass over all.
        self._rung: set[str] = set()
        self.lines = ConnectionPool()
        self._recorders: dict[str, Recorder] = {}
        self._savers = ThreadPoolExecutor(2, "terminal-recording")

    @property
    def terminals(self) -> dict[str, Terminal]:
        """The live terminals, by session id."""
        return self._terminals

    def ring(self, session_ids: Iterable[str]) -> None:
        """Have the rows of these looked at now; those of other processes are no concern of this one."""
        mine = self._terminals.keys() & set(session_ids)
        if mine:
            self._rung |= mine
            self._bell.set()

    async def terminal(
        self, session: TerminalSession, source_address: str, place: Participant = NOBODY
    ) -> Terminal:
        """The session's terminal; its owner's first window opens the shell, others wait with it. Raises NotHere."""
        if session.pk in self._terminals:
            return self._terminals[session.pk]
        opening = self._opening.get(session.pk)
        if opening is None and not place.is_owner:
            raise await self._elsewhere(session)
        if opening is None:
            opening = asyncio.create_task(self._open(session, source_address))
            self._opening[session.pk] = opening
            opening.add_done_callback(lambda _: self._opening.pop(session.pk, None))
        # Shielded: the shell opens for whoever still waits, also when one of them leaves.
        return await asyncio.shield(opening)

    async def shut_down(self) -> None:
        """End every shell and write it down, for as long as there is time."""
        for terminal in list(self._terminals.values()):
            terminal.end(end_reasons.end("server_stopping"))
        for opening in list(self._opening.values()):
            opening.cancel()
        for task in (self._looking, self._listening):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        if self._saving:
            await asyncio.wait(self._saving, timeout=STOP_SECONDS)
        await self.lines.shut_down()
        self._savers.shutdown(wait=False)

    async def _open(self, session: TerminalSession, source_address: str) -> Terminal:
        """1. Claim the row. 2. Open a shell on a line of its owner's. 3. Hand it to a terminal."""
        if not await in_database(session_store.claim)(session, self.name, source_address):
            raise await self._elsewhere(session)
        try:
            issue = partial(in_database(session_store.issue), session)
            size = (session.cols, session.rows)
            shell = await self.lines.open_shell(session.owner_id, session.target, issue, size, WINDOW)
        except transport.SSHError as error:
            log.info("No terminal on %s: %s", session.label, error)
            if isinstance(error, transport.HostKeyChanged):
                await in_database(session_store.sound_alarm)(session, error)
            end = end_reasons.end(error.reason, str(error))
            await in_database(session_store.save_end)(session.pk, end, 0, 0, None)
            raise NotHere(end, final=True) from None
        except BaseException:
            await in_database(session_store.save_end)(
                session.pk, end_reasons.end("server_stopping"), 0, 0, None
            )
            raise
        company = Participants(session.owner.get_username(), (session.cols, session.rows))
        observers = [self._record(session, company)] if session.recording != Mode.OFF else []
        terminal = Terminal(
            shell,
            lambda ended: self._ended(session.pk, ended),
            company,
            observers,
            settings.HEADNODE_TERMINAL_IDLE_SECONDS,
            settings.HEADNODE_TERMINAL_IDLE_WARNING_SECONDS,
        )
        self._terminals[session.pk] = terminal
        self._owners[session.pk] = session.owner_id
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_after())
        if self._listening is None or self._listening.done():
            self._listening = asyncio.create_task(self._listen())
        return terminal

    def _record(self, session: TerminalSession, company: Participants) -> Recorder:
        """A recorder of the terminal that is about to be made: it must not miss the first byte."""

        def end_shell() -> None:
            if (terminal := self._terminals.get(session.pk)) is not None:
                terminal.end(end_reasons.end("recording_failed"))

        recorder = Recorder(session, company, self._savers, end_shell)
        self._recorders[session.pk] = recorder
        return recorder

    async def _elsewhere(self, session: TerminalSession) -> NotHere:
        await in_database(session.refresh_from_db)()
        if session.ended_at is None and session.attached_at is not None:
            return NotHere(
                End("elsewhere", "This terminal lives in another portal process; reload."), final=False
            )
        if session.ended_at is None and not session.end_requested_reason:
            return NotHere(End("not_started", "Its owner has not opened this terminal yet."), final=False)
        return NotHere(end_reasons.end(session.end_reason or session.end_requested_reason), final=True)

    def _ended(self, session_id: str, terminal: Terminal) -> None:
        saving = asyncio.create_task(self._save_end(session_id, terminal))
        self._saving.add(saving)
        saving.add_done_callback(self._saving.discard)

    async def _save_end(self, session_id: str, terminal: Terminal) -> None:
        end = terminal.end_state
        assert end is not None  # noqa: S101 - a terminal calls back only with its end set
        try:
            await in_database(session_store.save_end)(
                session_id, end, terminal.bytes_in, terminal.bytes_out, terminal.last_keystroke_at
            )
        except Exception:  # the sweep will write it; what else ends here must go on
            log.exception("The end of a terminal session (%s) could not be saved.", end.reason)
        if (recorder := self._recorders.pop(session_id, None)) is not None:
            await recorder.close()
        self._terminals.pop(session_id, None)
        self._owners.pop(session_id, None)

    async def _listen(self) -> None:
        """Hear the bells that the verbs ring. Where they cannot be heard, the passes find everything, later."""
        layer = get_channel_layer()
        while layer is not None:
            try:
                channel = await layer.new_channel()
                await layer.group_add(BELL, channel)
                try:
                    while True:
                        self.ring((await layer.receive(channel)).get("sessions", ()))
                finally:
                    await layer.group_discard(BELL, channel)
            except Exception:  # Redis may be away for a moment
                log.warning("Bells of terminal sessions cannot be heard; trying again.", exc_info=True)
                await asyncio.sleep(1.0)

    async def _look_after(self) -> None:
        loop = asyncio.get_running_loop()
        all_due = loop.time() + PASS_SECONDS
        while self._terminals:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(all_due):
                    await self._bell.wait()
            self._bell.clear()
            rung, self._rung = self._rung, set()
            try:
                if loop.time() >= all_due:
                    for some in batched(list(self._terminals), ROWS_AT_ONCE):
                        await self._pass(some)
                    all_due = loop.time() + PASS_SECONDS
                else:
                    await self._pass(rung)
            except Exception:  # the database may be away for a moment; the shells are not
                log.exception("A look at the terminal sessions' rows failed; trying again.")
                self._rung |= rung
                await asyncio.sleep(1.0)

    async def _pass(self, session_ids: Iterable[str]) -> None:
        loop = asyncio.get_running_loop()
        held = {key: self._terminals[key] for key in session_ids if key in self._terminals}
        live = {key: terminal for key, terminal in held.items() if terminal.end_state is None}
        reports = [
            Report(
                key,
                terminal.bytes_in,
                terminal.bytes_out,
                terminal.last_keystroke_at,
                tuple(
                    Visitor(id(one), one.place, one.source_address, one.credential, one.visit_id)
                    for one in terminal.attachments
                ),
            )
            for key, terminal in live.items()
        ]
        attended = [key for key, terminal in live.items() if terminal.attachments]
        for key, sentence in await in_database(notices.take)(attended):
            live[key].notify(sentence)
        for key, verdict in (await in_database(session_store.review)(reports)).items():
            terminal = live[key]
            if verdict.unwelcome or (verdict.end is not None and verdict.end.reason not in ASKED_FOR):
                self.lines.retire(self._owners[key])
            if verdict.end is not None:
                terminal.end(verdict.end, show_rest=verdict.show_rest)
            terminal.company.follow_rows(dict(verdict.unwelcome), dict(verdict.places), loop.time())
        for terminal in live.values():
            if terminal.detached_at is not None and loop.time() - terminal.detached_at > _grace_seconds():
                terminal.end(end_reasons.end("detached"))


async def say_goodbye() -> None:
    """The process stops: end every shell now, and give the browsers a moment to read why."""
    held = list(current().terminals.values())
    for terminal in held:
        terminal.end(end_reasons.end("server_stopping"))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GOODBYE_SECONDS):
            while any(terminal.attachments for terminal in held):  # noqa: ASYNC110 (each has its own way out)
                await asyncio.sleep(0.02)


def batched(things: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The things, at most `size` at a time."""
    return (things[begin : begin + size] for begin in range(0, len(things), size))


_gateways: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Gateway]" = weakref.WeakKeyDictionary()


def current() -> Gateway:
    """The gateway of the running event loop: one per process, where a process has one loop."""
    loop = asyncio.get_running_loop()
    if loop not in _gateways:
        _gateways[loop] = Gateway()
    return _gateways[loop]


def _grace_seconds() -> float:
    """How long a shell waits for somebody to come back to it."""
    return float(getattr(settings, "HEADNODE_TERMINAL_GRACE_SECONDS", 60.0))
