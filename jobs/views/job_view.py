"""Collect everything the job page shows about a job's state, for the page and for its fragment."""

from typing import Any

from django.http import HttpRequest

from accounts import source_address
from jobs.access import connection_info
from jobs.access.access_needs import access_needs_for
from jobs.costs import hardware
from jobs.costs.still_running import StillRunning, still_running_of
from jobs.durations import duration_text
from jobs.models import Cluster, Job, Node
from jobs.states import ENDING, Desired, Observed
from jobs.submission import job_actions
from jobs.submission.job_project import project_name
from jobs.views import badges, node_rows, session_rows
from jobs.views.activity_view import activity_view_of
from jobs.views.cost_view import cost_view_of
from jobs.views.deadline_view import deadline_view_of
from jobs.views.stages import stages_of
from jobs.views.what_is_lost import what_is_lost


def context(request: HttpRequest, job: Job) -> dict[str, Any]:
    """Return the context of `jobs/fragments/state.html`."""
    cluster = Cluster.objects.filter(job=job).first()
    return {
        "nav": "jobs",
        "job": job,
        "job_badge": badges.job_badge(job),
        "outcome_badge": badges.outcome_badge(job),
        "stages": stages_of(job),
        "loss": what_is_lost(job),
        "walltime": duration_text(job.walltime),
        "hardware": hardware.hardware_of(job),
        "project": project_name(job.project_id),
        "cost": cost_view_of(job),
        "terminal_sessions": session_rows.session_rows_of_job(job),
        "snapshot": job.settings_snapshot,
        "settings_changes": job_actions.settings_changes(job),
        "can_submit": job.submitted_at is None,
        **_cluster_context(job, cluster),
        **_access_context(request, job, cluster),
    }


def _cluster_context(job: Job, cluster: Cluster | None) -> dict[str, Any]:
    nodes = node_rows.node_rows_of(cluster)
    return {
        "cluster": cluster,
        "cluster_badge": badges.cluster_badge(cluster),
        "nodes": nodes,
        "nodes_up": node_rows.up_count(nodes),
        "head": next((node for node in nodes if node.role == Node.Role.HEAD), None),
        "held": cluster is not None and cluster.observed_state == Observed.HELD,
        "can_terminate": _can_terminate(cluster),
        "can_delete": cluster is None or cluster.observed_state == Observed.RELEASED,
        "kept": _kept(job, cluster),
        "ending": _ending(cluster),
        "deadline": deadline_view_of(cluster),
        "activity": activity_view_of(cluster),
    }


def _access_context(request: HttpRequest, job: Job, cluster: Cluster | None) -> dict[str, Any]:
    needs = access_needs_for(job, source_address.source_address_of(request))
    return {
        "why_no_command": connection_info.why_no_command(cluster, needs.has_key),
        "needs": needs if cluster is not None and cluster.observed_state not in ENDING else None,
    }


def _ending(cluster: Cluster | None) -> StillRunning | None:
    """Return what still runs and costs while a cluster is being terminated; None otherwise."""
    if cluster is None or cluster.observed_state == Observed.RELEASED:
        return None
    ends = cluster.desired_state == Desired.STOPPED or cluster.observed_state == Observed.RELEASING
    running = still_running_of(cluster)
    return running if ends and running.nodes else None


def _can_terminate(cluster: Cluster | None) -> bool:
    return (
        cluster is not None
        and cluster.desired_state == Desired.RUNNING
        and cluster.observed_state not in ENDING
    )


def _kept(job: Job, cluster: Cluster | None) -> StillRunning | None:
    """Return what a head node costs that was kept after its command; None if none was kept."""
    if cluster is None or job.completed_at is None or not _can_terminate(cluster):
        return None
    return still_running_of(cluster)
