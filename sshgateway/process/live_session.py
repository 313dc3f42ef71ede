"""One session whose shell this process holds: its terminal, its recording, and what the gateway reports of it."""

from collections.abc import Callable
from concurrent.futures import Executor

from django.conf import settings

from sshgateway.models import TerminalSession
from sshgateway.process.session_store import ClientReport, ReviewResult, SessionReport
from sshgateway.recording.recorder import Recorder
from sshgateway.ssh.shell_channel import ShellChannel
from sshgateway.terminals.end_reasons import EndReason, end_for
from sshgateway.terminals.participants import Participants
from sshgateway.terminals.recording_policy import Mode
from sshgateway.terminals.terminal import Terminal


class LiveSession:
    """Make it on the event loop as soon as the shell is open; `on_end` is called once, when the shell has ended."""

    def __init__(
        self,
        session: TerminalSession,
        shell: ShellChannel,
        savers: Executor,
        on_end: Callable[["LiveSession"], None],
    ) -> None:
        self.id = session.pk
        self.owner_id: int = session.owner_id
        participants = Participants(session.owner.get_username(), (session.cols, session.rows))
        # Before the terminal: the recording must not miss the first byte.
        self._recorder = (
            Recorder(session, participants, savers, self._recording_failed)
            if session.recording != Mode.OFF
            else None
        )
        self.terminal = Terminal(
            shell,
            lambda ended: on_end(self),
            participants,
            [self._recorder] if self._recorder is not None else [],
            settings.HEADNODE_TERMINAL_IDLE_SECONDS,
            settings.HEADNODE_TERMINAL_IDLE_WARNING_SECONDS,
        )

    @property
    def has_ended(self) -> bool:
        """Whether the shell has ended; its end may still be being saved."""
        return self.terminal.end_state is not None

    @property
    def has_clients(self) -> bool:
        """Whether somebody is attached."""
        return bool(self.terminal.attachments)

    def report(self) -> SessionReport:
        """Return what the review of the rows needs to know of it."""
        terminal = self.terminal
        clients = tuple(
            ClientReport(id(one), one.participant, one.source_address, one.credential, one.visit_id)
            for one in terminal.attachments
        )
        return SessionReport(
            self.id, terminal.bytes_in, terminal.bytes_out, terminal.last_keystroke_at, clients
        )

    def apply_review(self, result: ReviewResult, now: float) -> None:
        """End the shell, or its clients, as the rows say. `now` is the event loop's time."""
        if result.end is not None:
            self.terminal.end(result.end, show_rest=result.show_rest)
        self.terminal.participants.apply_review(dict(result.expelled), dict(result.confirmed), now)

    def end_if_deserted(self, now: float, grace_seconds: float) -> None:
        """End the shell if nobody has been attached for longer than the grace."""
        detached_at = self.terminal.detached_at
        if detached_at is not None and now - detached_at > grace_seconds:
            self.terminal.end(end_for(EndReason.DETACHED))

    async def close_recording(self) -> None:
        """Save the rest of the recording, if there is one."""
        if self._recorder is not None:
            await self._recorder.close()

    def _recording_failed(self) -> None:
        self.terminal.end(end_for(EndReason.RECORDING_FAILED))
