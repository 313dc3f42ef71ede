"""Turn the status of a job, cluster or node into a badge: a word and a kind of colour.

The colour never says more than the word, so the page is clear without colours.
"""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from jobs.models import Cluster, Job, Node
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
class Badge:
    """A status as a coloured word. `kind` is one that `templates/parts/badge.html` knows."""

    text: str
    kind: str


def job_badge(job: Job) -> Badge:
    """Return the badge of the job's newest status; Saved if it was never submitted. Uses prefetched statuses."""
    statuses = list(job.statuses.all())
    if not statuses:
        return Badge(_("Saved"), "quiet")
    status = JobState(statuses[0].status)
    return Badge(_(status.value), _JOB_KINDS[status])


def outcome_badge(job: Job) -> Badge | None:
    """Return how the job ended; None while it has not."""
    match job.outcome:
        case Outcome.SUCCEEDED:
            return Badge(_("Succeeded"), "good") if job.command else Badge(_("Ended"), "quiet")
        case Outcome.FAILED:
            return Badge(_failed_text(job.exit_code), "bad")
        case Outcome.TERMINATED:
            return Badge(_("Terminated"), "quiet")
        case Outcome.WALLTIME:
            return Badge(_("Walltime reached"), "bad")
        case Outcome.DEADLINE:
            return Badge(_("Deadline reached"), "bad")
        case Outcome.ERROR:
            return Badge(_("Cluster error"), "bad")
    return None


def cluster_badge(cluster: Cluster | None) -> Badge:
    """Return the badge of the cluster's status; Not Started without a cluster."""
    status = cluster.status if cluster else ClusterState.NOT_STARTED
    return Badge(_(status.value), _CLUSTER_KINDS[status])


def node_badge(node: Node) -> Badge:
    """Return the badge of a node. A running node that the portal has not logged in to yet shows Checking."""
    if node.left_out:
        return Badge(_("Left out"), "bad")
    if node.state == Node.State.RUNNING and node.report_outcome == "error":
        return Badge(_("Not ready"), "bad")
    if node.state == Node.State.RUNNING and not node.is_up:
        return Badge(_("Checking"), "busy")
    return Badge(_(node.state.capitalize()), _NODE_KINDS.get(node.state, "quiet"))


def _failed_text(exit_code: int | None) -> str:
    return _("Failed") if exit_code is None else _("Failed, exit code %(code)s") % {"code": exit_code}
