"""The rows of a list of terminal sessions: whose, where, how long, how it ended, and whether it was recorded."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from jobs.access import session_subjects
from jobs.models import Job
from sshgateway.models import Recording, TerminalSession

MAX_ROWS = 30


@dataclass(frozen=True)
class SessionRow:
    """One terminal session. `recorded` says in words how much of it was recorded."""

    session: TerminalSession
    owner: str
    job_id: str
    recording: Recording | None
    recorded: str
    can_replay: bool


def session_rows_of(sessions: Iterable[TerminalSession]) -> list[SessionRow]:
    """Return the rows of sessions that were selected with `owner` and `recording_made`."""
    return [_row(session) for session in sessions]


def session_rows_of_job(job: Job) -> list[SessionRow]:
    """Return the newest terminals on the job's nodes, at most MAX_ROWS."""
    return _newest(TerminalSession.objects.filter(subject=session_subjects.subject_of(job)))


def session_rows_of_user(user: User) -> list[SessionRow]:
    """Return the newest terminals of this user, at most MAX_ROWS."""
    return _newest(TerminalSession.objects.filter(owner=user))


def recorded_text(recording: Recording | None) -> str:
    """Return in words whether there is a recording, and how complete it is."""
    if recording is None:
        return _("Not recorded")
    return {
        "growing": _("Being recorded"),
        "complete": _("Recorded"),
        "size_limit": _("Recorded up to the size limit"),
        "failed": _("Recorded in part: the rest could not be saved"),
        "cut_short": _("Recorded in part: the portal was interrupted"),
        "deleted": _("Recording deleted after its retention period"),
    }[recording.state]


def _newest(sessions: QuerySet[TerminalSession]) -> list[SessionRow]:
    opened = sessions.filter(attached_at__isnull=False)
    return session_rows_of(opened.select_related("owner", "recording_made")[:MAX_ROWS])


def _row(session: TerminalSession) -> SessionRow:
    recording: Recording | None = getattr(session, "recording_made", None)
    if recording is not None:
        recording.session = session  # saves a query for each
    return SessionRow(
        session=session,
        owner=session.owner.get_username(),
        job_id=session_subjects.job_id_of(session.subject),
        recording=recording,
        recorded=recorded_text(recording),
        can_replay=recording is not None and recording.deleted_at is None,
    )
