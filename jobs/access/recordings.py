"""Who may see the recording of a terminal."""

from accounts.audit.trail import Actor, record
from accounts.models import User
from accounts.users.administrators import is_administrator
from jobs.access import node_access
from jobs.models import Job
from sshgateway.models import Recording, TerminalSession


def may_replay(user: User, session: TerminalSession) -> bool:
    """Whether it was their shell, or is their job, or they are an administrator."""
    if not user.is_active:
        return False
    if session.owner_id == user.pk or is_administrator(user):
        return True
    job_id = node_access.job_id_of(session.subject)
    return bool(job_id) and Job.objects.filter(pk=job_id, owner=user).exists()


def find_recording(user: User, recording_id: str) -> Recording | None:
    """The recording, if there is one of this id that this person may see. A deleted one is found, and empty."""
    found = Recording.objects.select_related("session__owner").filter(pk=recording_id).first()
    return found if found is not None and may_replay(user, found.session) else None


def note_watched(actor: Actor, recording: Recording) -> None:
    """Write down that somebody saw a recording of another person's shell."""
    owner = recording.session.owner
    if actor.user is not None and actor.user.pk == owner.pk:
        return
    record(
        actor,
        "sshgateway:recording:watched",
        "recording",
        recording.pk,
        owner=owner,
        after={"name": recording.session.label, "opened_at": recording.session.opened_at.isoformat()},
    )
