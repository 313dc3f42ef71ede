"""What terminating a cluster ends and loses, in a sentence, for the dialog that asks first."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.access import session_subjects
from jobs.models import Job
from sshgateway.sessions.session_actions import open_sessions


def what_is_lost(job: Job) -> str:
    """Return what terminating the job's cluster ends and loses, and how many terminals are open right now."""
    terminals = open_sessions(subject=session_subjects.subject_of(job)).count()
    if not terminals:
        return what_ends(job)
    now_open = ngettext(
        "%(count)d browser terminal is open now.", "%(count)d browser terminals are open now.", terminals
    )
    return f"{what_ends(job)} {now_open % {'count': terminals}}"


def what_ends(job: Job) -> str:
    """Return the same without counting open terminals, which would cost a query for each line of a list."""
    if job.completed_at is not None:
        return _(
            "The head node shuts down. Open SSH connections and terminals end. Files in the work directory that are "
            "new or changed since the output files were saved are saved first, as far as they can be copied in half a "
            "minute. Everything else on the head node is lost."
        )
    nodes = ngettext("The node shuts down", "All %(count)d nodes shut down", job.slots) % {"count": job.slots}
    if not job.command:
        return _(
            "%(nodes)s. Open SSH connections and terminals end, with everything that runs in them. Files outside the "
            "work directory are lost."
        ) % {"nodes": nodes}
    return _(
        "%(nodes)s, and the command stops if it is still running. Open SSH connections and terminals end. Files "
        "that are not among the output files by then are lost."
    ) % {"nodes": nodes}
