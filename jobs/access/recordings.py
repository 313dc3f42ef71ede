"""Decide who may watch the recording of a terminal, and record in the audit trail that somebody did."""

from accounts.audit.trail import Actor, record
from accounts.models import User
from accounts.users.administrators import is_administrator
from jobs.access.session_subjects import job_id_of
from jobs.models import Job
from sshgateway.audit_actions import GatewayAuditAction
from sshgateway.models import Recording, TerminalSession


def may_replay(user: User, session: TerminalSession) -> bool:
    """Whether the user opened this terminal, owns its job, or is an administrator."""
    if not user.is_active:
        return False
    if session.owner_id == user.pk or is_administrator(user):
        return True
    job_id = job_id_of(session.subject)
    return bool(job_id) and Job.objects.filter(pk=job_id, owner=user).exists()


def find_recording(user: User, recording_id: str) -> Recording | None:
    """Return the recording if this user may watch it. A deleted one is returned too, without content."""
    found = Recording.objects.select_related("session__owner").filter(pk=recording_id).first()
    return found if found is not None and may_replay(user, found.session) else None


def note_watched(actor: Actor, recording: Recording) -> None:
    """Write an audit event when the actor watches a recording of another user's terminal."""
    owner = recording.session.owner
    if actor.user is not None and actor.user.pk == owner.pk:
        return
    record(
        actor,
        GatewayAuditAction.RECORDING_WATCHED,
        "recording",
        recording.pk,
        owner=owner,
        after={"name": recording.session.label, "opened_at": recording.session.opened_at.isoformat()},
    )
