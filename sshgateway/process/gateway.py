"""The sessions whose shells one gateway process holds: find one, or open its shell, and end them all at the stop."""

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from sshgateway.authorization.forbidden_addresses import with_forbidden_addresses
from sshgateway.models import TerminalSession
from sshgateway.process import session_store
from sshgateway.process.live_session import LiveSession
from sshgateway.process.row_reviewer import RowReviewer
from sshgateway.process.session_store import in_database
from sshgateway.ssh import transport
from sshgateway.ssh.connection_pool import ConnectionPool
from sshgateway.ssh.shell_channel import ShellChannel
from sshgateway.terminals.attachment import WINDOW
from sshgateway.terminals.end_reasons import End, EndReason, end_for
from sshgateway.terminals.roles import Participant
from sshgateway.terminals.terminal import Terminal

log = logging.getLogger(__name__)

SAVE_SECONDS = 5.0
LAST_FRAME_SECONDS = 1.0


class NotAttachable(Exception):
    """There is no terminal to attach to. With `final` the session has ended; else another process may have it."""

    def __init__(self, end: End, *, final: bool) -> None:
        super().__init__(end.reason)
        self.end = end
        self.final = final


class Gateway:
    """One per event loop; get it with `current()`."""

    def __init__(self) -> None:
        self.name = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._sessions: dict[str, LiveSession] = {}
        self._opening: dict[str, asyncio.Task[LiveSession]] = {}
        self._saving: set[asyncio.Task[None]] = set()
        self.connections = ConnectionPool()
        self._reviewer = RowReviewer(self._sessions, self.connections)
        self._savers = ThreadPoolExecutor(2, "terminal-recording")

    @property
    def terminals(self) -> list[Terminal]:
        """The terminals of this process."""
        return [live.terminal for live in self._sessions.values()]

    async def find_or_open(
        self, session: TerminalSession, source_address: str, participant: Participant
    ) -> Terminal:
        """Return the session's terminal. The owner's first window opens the shell; others wait with it.

        Raises NotAttachable.
        """
        if (live := self._sessions.get(session.pk)) is not None:
            return live.terminal
        opening = self._opening.get(session.pk)
        if opening is None and not participant.is_owner:
            raise await self._not_attachable(session)
        if opening is None:
            opening = asyncio.create_task(self._open(session, source_address))
            self._opening[session.pk] = opening
            opening.add_done_callback(lambda _: self._opening.pop(session.pk, None))
        # Shielded: the shell opens for those who still wait, even when one of them leaves.
        return (await asyncio.shield(opening)).terminal

    async def shut_down(self) -> None:
        """End every shell and save its end, within `SAVE_SECONDS`."""
        self.end_all()
        for opening in list(self._opening.values()):
            opening.cancel()
        await self._reviewer.stop()
        if self._saving:
            await asyncio.wait(self._saving, timeout=SAVE_SECONDS)
        await self.connections.shut_down()
        self._savers.shutdown(wait=False)

    def end_all(self) -> None:
        """End every shell because the process stops."""
        for terminal in self.terminals:
            terminal.end(end_for(EndReason.SERVER_STOPPING))

    async def _open(self, session: TerminalSession, source_address: str) -> LiveSession:
        """1. Claim the row. 2. Open a shell on a connection of its owner. 3. Make the terminal."""
        if not await in_database(session_store.claim)(session, self.name, source_address):
            raise await self._not_attachable(session)
        try:
            shell = await self._open_shell(session)
        except transport.SSHError as error:
            end = end_for(error.reason, str(error))
            await in_database(session_store.save_end)(session.pk, end, 0, 0, None)
            raise NotAttachable(end, final=True) from None
        except BaseException:
            stopped = end_for(EndReason.SERVER_STOPPING)
            await in_database(session_store.save_end)(session.pk, stopped, 0, 0, None)
            raise
        live = LiveSession(session, shell, self._savers, self._session_ended)
        self._sessions[session.pk] = live
        self._reviewer.start()
        return live

    async def _open_shell(self, session: TerminalSession) -> ShellChannel:
        """Open the session's shell. Raises an SSHError; a changed host key raises the alarm first."""
        issue = partial(in_database(session_store.issue_credential_for), session)
        size = (session.cols, session.rows)
        target = await in_database(with_forbidden_addresses)(session.target)
        try:
            return await self.connections.open_shell(session.owner_id, target, issue, size, WINDOW)
        except transport.SSHError as error:
            log.info("No terminal on %s: %s", session.label, error)
            if isinstance(error, transport.HostKeyChanged):
                await in_database(session_store.raise_host_key_alarm)(session, error)
            raise

    async def _not_attachable(self, session: TerminalSession) -> NotAttachable:
        """Read the session's row and return why there is no terminal of it here."""
        await in_database(session.refresh_from_db)()
        if session.ended_at is None and session.attached_at is not None:
            return NotAttachable(end_for(EndReason.ELSEWHERE), final=False)
        if session.ended_at is None and not session.end_requested_reason:
            return NotAttachable(end_for(EndReason.NOT_STARTED), final=False)
        return NotAttachable(end_for(session.end_reason or session.end_requested_reason), final=True)

    def _session_ended(self, live: LiveSession) -> None:
        saving = asyncio.create_task(self._save_end(live))
        self._saving.add(saving)
        saving.add_done_callback(self._saving.discard)

    async def _save_end(self, live: LiveSession) -> None:
        terminal = live.terminal
        end = terminal.end_state
        assert end is not None  # noqa: S101 - a terminal calls back only with its end set
        try:
            await in_database(session_store.save_end)(
                live.id, end, terminal.bytes_in, terminal.bytes_out, terminal.last_keystroke_at
            )
        except Exception:  # the sweep will save it; what else ends here must go on
            log.exception("The end of a terminal session (%s) could not be saved.", end.reason)
        await live.close_recording()
        self._sessions.pop(live.id, None)


async def end_all_sessions() -> None:
    """End every shell because the process stops, and give the browsers a moment to read why."""
    gateway = current()
    terminals = gateway.terminals
    gateway.end_all()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LAST_FRAME_SECONDS):
            while any(terminal.attachments for terminal in terminals):  # noqa: ASYNC110 (each has its own way out)
                await asyncio.sleep(0.02)


_gateways: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Gateway]" = weakref.WeakKeyDictionary()


def current() -> Gateway:
    """Return the gateway of the running event loop, made on first use: one per process, as a process has one loop."""
    loop = asyncio.get_running_loop()
    if loop not in _gateways:
        _gateways[loop] = Gateway()
    return _gateways[loop]
