"""Everything the job page shows about a job's state, gathered in one place for the page and its fragment."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import source_address
from accounts.keys import validity
from accounts.models import User
from accounts.refusals import Refused
from jobs.access import connection_info, node_access
from jobs.costs import hardware, still_running
from jobs.costs.still_running import StillRunning
from jobs.models import Cluster, Job, Node
from jobs.states import Desired, Observed
from jobs.submission import job_actions
from jobs.views import badges, deadline_view, node_rows, session_rows
from jobs.views.stages import duration_text, stages_of
from sshgateway.sessions.session_actions import open_sessions

ENDED = (Observed.RELEASING, Observed.RELEASED)


def context(request: HttpRequest, person: User, job: Job) -> dict[str, Any]:
    """What the state fragment shows."""
    cluster = Cluster.objects.filter(job=job).first()
    nodes = node_rows.rows_of(cluster)
    address = source_address.source_address_of(request)
    return {
        "nav": "jobs",
        "job": job,
        "cluster": cluster,
        "job_chip": badges.job_chip(job),
        "cluster_chip": badges.cluster_chip(cluster),
        "outcome_chip": badges.outcome_chip(job),
        "stages": stages_of(job),
        "nodes": nodes,
        "nodes_up": node_rows.up_count(nodes),
        "held": cluster is not None and cluster.observed_state == Observed.HELD,
        "head": next((node for node in nodes if node.role == Node.Role.HEAD), None),
        "why_no_command": connection_info.why_no_command(cluster, bool(validity.usable_keys(person))),
        "refused": _refusal(job.owner, address, cluster),
        "own_address": address,
        "can_submit": job.submitted_at is None,
        "can_terminate": _can_terminate(cluster),
        "can_delete": cluster is None or cluster.observed_state == Observed.RELEASED,
        "kept": _is_kept(job, cluster),
        "ending": _ending(cluster),
        "deadline": deadline_view.of(cluster),
        "loss": what_is_lost(job),
        "walltime": duration_text(job.walltime),
        "hardware": hardware.hardware_of(job),
        "files": job.output_files.order_by("relative_path"),
        "terminal_sessions": session_rows.of_job(job),
        "snapshot": job.settings_snapshot,
        "settings_changes": job_actions.settings_changes(job),
    }


def what_is_lost(job: Job) -> str:
    """What the Terminate dialog says: what ends, what is lost, and how many terminals are open right now."""
    terminals = open_sessions(subject=node_access.subject(job)).count()
    if not terminals:
        return what_ends(job)
    now_open = ngettext(
        "%(count)d browser terminal is open now.", "%(count)d browser terminals are open now.", terminals
    )
    return f"{what_ends(job)} {now_open % {'count': terminals}}"


def what_ends(job: Job) -> str:
    """What Terminate ends and what is lost, without looking at what is open now."""
    nodes = ngettext("The node shuts down", "All %(count)d nodes shut down", job.slots) % {"count": job.slots}
    if not job.command and job.completed_at is None:
        return _(
            "%(nodes)s. Open ssh connections and terminals end, with what runs in them. What is not in the work "
            "directory by then is lost."
        ) % {"nodes": nodes}
    if job.completed_at is None:
        return _(
            "%(nodes)s, and the command is ended if it is still running. Open ssh connections and terminals end. "
            "What is not among the output files by then is lost."
        ) % {"nodes": nodes}
    return _(
        "The head node shuts down. Open ssh connections and terminals end, and what was written on it since the "
        "output files were saved is lost."
    )


def _ending(cluster: Cluster | None) -> StillRunning | None:
    """What still runs and costs of a cluster that somebody or something has ended."""
    if cluster is None or cluster.observed_state == Observed.RELEASED:
        return None
    ends = cluster.desired_state == Desired.STOPPED or cluster.observed_state == Observed.RELEASING
    running = still_running.still_running_of(cluster)
    return running if ends and running.nodes else None


def _can_terminate(cluster: Cluster | None) -> bool:
    return (
        cluster is not None
        and cluster.desired_state == Desired.RUNNING
        and cluster.observed_state not in ENDED
    )


def _is_kept(job: Job, cluster: Cluster | None) -> bool:
    """Whether the command has ended and the head node stays, costing."""
    return job.completed_at is not None and _can_terminate(cluster)


def _refusal(owner: User, address: str, cluster: Cluster | None) -> Refused | None:
    """Why the person could not connect from where they are; asked only while there is something to reach."""
    if cluster is None or cluster.observed_state in ENDED:
        return None
    try:
        node_access.check_address(owner, address)
    except Refused as refused:
        return refused
    return None
