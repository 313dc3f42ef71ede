"""Steps from the end of the command to the end of the cluster."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from jobs.access import node_access
from jobs.control import checkpoint, claim
from jobs.control.command import to_head
from jobs.events import job_log
from jobs.models import Cluster, Node
from jobs.providers.base import Provider
from jobs.remote import client
from jobs.states import Desired, Observed, Outcome
from jobs.storage import output_collection
from sshgateway.sessions import session_actions

SOON = timedelta(milliseconds=300)
KEPT_LOOK = timedelta(seconds=15)
COMPUTE_DOWN = "The command has ended: this compute node is shutting down."
HEAD_DOWN = "The cluster is ending: this node is shutting down."


def drain(cluster: Cluster, provider: Provider) -> timedelta:
    """Shut the compute nodes down, then move on."""
    running = _running_compute(cluster)
    if not running:
        with transaction.atomic():
            checkpoint.advance(cluster, Observed.DRAINED)
            if compute := cluster.nodes.filter(role=Node.Role.COMPUTE).count():
                job_log.append(cluster.job, "provider", f"{compute} compute node(s) are shut down.")
        return timedelta()
    provider.stop_nodes(cluster.provider_state, running, COMPUTE_DOWN)
    return SOON


def _running_compute(cluster: Cluster) -> list[str]:
    compute = cluster.nodes.filter(role=Node.Role.COMPUTE)
    return list(
        compute.exclude(state__in=[Node.State.STOPPED, Node.State.FAILED]).values_list("name", flat=True)
    )


def collect(cluster: Cluster, provider: Provider) -> timedelta:
    """Store the output files; only then is the job Completed. Raises SSHError."""
    job = cluster.job
    with to_head(cluster) as connection, connection.sftp() as sftp:
        listing = client.listing(connection, output_collection.MAX_ENTRIES)
        brought = output_collection.collect(job, listing, sftp, lambda: claim.renew_if_old(cluster))
    with transaction.atomic():
        text = f"Stored {brought.files} output file(s), {brought.size} bytes."
        job_log.append(job, "portal", text, stage="Collecting")
        if brought.skipped:
            left = f"Left out {len(brought.skipped)}: " + "; ".join(brought.skipped[:10])
            job_log.append(job, "portal", left, level="warning", stage="Collecting")
        _collected(cluster)
    return timedelta()


def give_up_collecting(cluster: Cluster, why: str) -> timedelta:
    """The files do not come, and a head node must not cost for ever: say so and go on."""
    with transaction.atomic():
        text = f"Output files could not be fetched: {why}"
        job_log.append(cluster.job, "portal", text, level="error", stage="Collecting")
        _collected(cluster)
    return timedelta()


def _collected(cluster: Cluster) -> None:
    checkpoint.advance(cluster, Observed.COLLECTED, collected_at=timezone.now())
    _complete(cluster)
    kept = not cluster.job.auto_terminate_cluster and cluster.desired_state != Desired.STOPPED
    if kept and cluster.deadline_at is not None:
        until = f"{cluster.deadline_at:%Y-%m-%d %H:%M} UTC"
        text = f"The head node stays, and costs, until you terminate it or {until} at the latest."
        job_log.append(cluster.job, "portal", text, level="warning")


def keep(cluster: Cluster, provider: Provider) -> timedelta:
    """The head node stays for its owner, and nothing but it; look at it now and then.

    Of a cluster that is held everything that is up stays: its nodes are what there is to look into.
    """
    if cluster.observed_state == Observed.COLLECTED and (running := _running_compute(cluster)):
        # They had not stopped when the time for the output files was over.
        provider.stop_nodes(cluster.provider_state, running, COMPUTE_DOWN)
    if cluster.deadline_at is None:
        return KEPT_LOOK
    return max(SOON, min(KEPT_LOOK, cluster.deadline_at - timezone.now()))


def release(cluster: Cluster, why: str) -> timedelta:
    """Decide to take everything away. From here on nobody gets in any more."""
    with transaction.atomic():
        checkpoint.advance(cluster, Observed.RELEASING, why)
        text = why or "Shutting the cluster down."
        job_log.append(cluster.job, "portal", text, stage="Stopping")
        Node.objects.filter(cluster=cluster).exclude(
            state__in=[Node.State.STOPPED, Node.State.FAILED]
        ).update(state=Node.State.STOPPING)
    return timedelta()


def watch_release(cluster: Cluster, provider: Provider, is_gone: bool) -> timedelta:
    """Tell the provider until nothing is left, then close the books."""
    if not is_gone:
        provider.release(cluster.provider_state, HEAD_DOWN)
        return SOON
    with transaction.atomic():
        checkpoint.advance(cluster, Observed.RELEASED, released_at=timezone.now())
        Node.objects.filter(cluster=cluster).exclude(state=Node.State.FAILED).update(state=Node.State.STOPPED)
        job_log.append(cluster.job, "provider", "The cluster is shut down; nothing runs or costs any more.")
        _complete(cluster)
    session_actions.end_sessions(subject=node_access.subject(cluster.job), reason="node_gone")
    return timedelta()


def _complete(cluster: Cluster) -> None:
    job = cluster.job
    if job.outcome:
        checkpoint.complete(job, Outcome(job.outcome), job.outcome_reason, job.exit_code)
    elif cluster.failure:
        checkpoint.complete(job, Outcome.ERROR, cluster.failure)
    else:
        checkpoint.complete(job, Outcome.TERMINATED, "User Terminated")
