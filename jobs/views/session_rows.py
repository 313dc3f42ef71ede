"""Terminal sessions as lists show them: whose, where, how long, how it ended, whether there is a recording."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.models import User
from jobs.access import node_access
from jobs.models import Job
from sshgateway.models import Recording, TerminalSession

MOST = 30


@dataclass(frozen=True)
class SessionRow:
    """One line."""

    session: TerminalSession
    owner: str
    job_id: str
    recording: Recording | None
    recorded: str
    can_replay: bool


def rows(sessions: Iterable[TerminalSession]) -> list[SessionRow]:
    """Lines for these sessions; they were selected with `owner` and `recording_made`."""
    return [_row(session) for session in sessions]


def of_job(job: Job) -> list[SessionRow]:
    """The newest terminals that were opened on the job's nodes."""
    sessions = TerminalSession.objects.filter(subject=node_access.subject(job), attached_at__isnull=False)
    return rows(sessions.select_related("owner", "recording_made")[:MOST])


def of_person(user: User) -> list[SessionRow]:
    """The newest terminals of this person."""
    sessions = TerminalSession.objects.filter(owner=user, attached_at__isnull=False)
    return rows(sessions.select_related("owner", "recording_made")[:MOST])


def _row(session: TerminalSession) -> SessionRow:
    recording: Recording | None = getattr(session, "recording_made", None)
    if recording is not None:
        recording.session = session
    return SessionRow(
        session=session,
        owner=session.owner.get_username(),
        job_id=node_access.job_id_of(session.subject),
        recording=recording,
        recorded=recorded_in_words(recording),
        can_replay=recording is not None and recording.deleted_at is None,
    )


def recorded_in_words(recording: Recording | None) -> str:
    """Whether there is a recording, and of how much."""
    if recording is None:
        return _("Not recorded")
    return {
        "growing": _("Being recorded"),
        "complete": _("Recorded"),
        "size_limit": _("Recorded up to the size limit"),
        "failed": _("Recorded in part: the rest could not be saved"),
        "cut_short": _("Recorded in part: the portal was interrupted"),
        "deleted": _("Recording deleted: its time was over"),
    }[recording.state]
