"""How a status looks: a word and one of a few kinds of colour. The colour never says more than the word."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from jobs.models import Cluster, Job
from jobs.states import ClusterState, JobState, Outcome

_JOB_KINDS = {
    JobState.PENDING: "busy",
    JobState.QUEUED: "busy",
    JobState.STARTED: "busy",
    JobState.VALIDATED: "busy",
    JobState.EXECUTING: "active",
    JobState.STOPPING: "busy",
    JobState.COMPLETED: "quiet",
}
_CLUSTER_KINDS = {
    ClusterState.NOT_STARTED: "quiet",
    ClusterState.STARTING: "busy",
    ClusterState.STARTED: "active",
    ClusterState.STOP_REQUESTED: "busy",
    ClusterState.STOPPING: "busy",
    ClusterState.STOPPED: "quiet",
    ClusterState.ERROR: "bad",
}
_NODE_KINDS = {
    "ordered": "quiet",
    "booting": "busy",
    "running": "good",
    "stopping": "busy",
    "stopped": "quiet",
    "failed": "bad",
}


@dataclass(frozen=True)
class Chip:
    """A status as a coloured word."""

    text: str
    kind: str


def job_chip(job: Job) -> Chip:
    """The job's newest status; Saved while it was never submitted. Reads prefetched statuses."""
    statuses = list(job.statuses.all())
    if not statuses:
        return Chip(_("Saved"), "quiet")
    status = JobState(statuses[0].status)
    return Chip(_(status.value), _JOB_KINDS[status])


def outcome_chip(job: Job) -> Chip | None:
    """How the command ended, once it has."""
    code = job.exit_code
    match job.outcome:
        case Outcome.SUCCEEDED:
            return Chip(_("Succeeded"), "good") if job.command else Chip(_("Ended"), "quiet")
        case Outcome.FAILED:
            return Chip(
                _("Failed") if code is None else _("Failed, exit code %(code)s") % {"code": code}, "bad"
            )
        case Outcome.TERMINATED:
            return Chip(_("Terminated"), "quiet")
        case Outcome.WALLTIME:
            return Chip(_("Walltime reached"), "bad")
        case Outcome.DEADLINE:
            return Chip(_("Deadline reached"), "bad")
        case Outcome.ERROR:
            return Chip(_("Cluster error"), "bad")
    return None


def cluster_chip(cluster: Cluster | None) -> Chip:
    """The cluster's computed status."""
    status = cluster.status if cluster else ClusterState.NOT_STARTED
    return Chip(_(status.value), _CLUSTER_KINDS[status])


def node_chip(state: str, is_up: bool) -> Chip:
    """A node's state; running but not yet logged in to is still on its way."""
    if state == "running" and not is_up:
        return Chip(_("Checking"), "busy")
    return Chip(_(state.capitalize()), _NODE_KINDS.get(state, "quiet"))
