"""Steps from the end of the command to the end of the cluster: drain, collect, keep, release."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta

from django.db import transaction
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from jobs.access import session_subjects
from jobs.control import checkpoint, claim, head_node, owner_intent
from jobs.control.cluster_end_reasons import ClusterEndReason
from jobs.control.facts import STOP_LIMIT, rest_limit
from jobs.control.head_node import to_head
from jobs.control.node_share import Talk
from jobs.costs import charging
from jobs.events import job_log
from jobs.lifetime import deadline_store
from jobs.models import Cluster, Node
from jobs.providers.base import Provider
from jobs.remote.time_limit import TransferTime, limited
from jobs.states import (
    COLLECTING,
    NODE_DOWN,
    ClusterState,
    Desired,
    LogLevel,
    LogSource,
    NodeState,
    Observed,
    Outcome,
)
from jobs.storage import archive_filters, output_collection
from jobs.storage.output_collection import Collection, Progress, Stream
from sshgateway.sessions import session_actions
from sshgateway.ssh.transport import Connection
from sshgateway.terminals.end_reasons import EndReason

SOON = timedelta(milliseconds=300)
CHECK_KEPT_EVERY = timedelta(seconds=15)
# Of a terminated cluster: for how long after the command's own limit a collection that failed is repeated.
REPEAT_COLLECTING = timedelta(seconds=5)
# What a node may take to answer, and how slowly it may send, before collecting from it is ended.
SFTP_SECONDS = 8.0
# States in which the owner works on the head node, and what they made is stored before it goes.
KEPT = (Observed.COLLECTED, Observed.HELD)
# How many files are fetched at once.
STREAMS = 4
PROGRESS_SECONDS = 10.0
# How often a collection under way asks until when it may take: a budget may end it earlier than it seemed.
DEADLINE_SECONDS = 2.0
MAX_NAMES_LOGGED = 10
SLOWEST_TRANSFER = 128 * 1024
COMPUTE_DOWN = "The command has ended: this compute node is shutting down."
HEAD_DOWN = "The cluster is ending: this node is shutting down."


def drain(cluster: Cluster, provider: Provider) -> timedelta:
    """Shut the compute nodes down; once they are, advance. Raises ProviderError."""
    running = _running_compute(cluster)
    if not running:
        with transaction.atomic():
            checkpoint.advance(cluster, Observed.DRAINED)
            if compute := cluster.nodes.filter(role=Node.Role.COMPUTE).count():
                text = (
                    "1 compute node is shut down."
                    if compute == 1
                    else f"{compute} compute nodes are shut down."
                )
                job_log.append(cluster.job, LogSource.PROVIDER, text)
        return timedelta()
    provider.stop_nodes(cluster.provider_state, running, COMPUTE_DOWN)
    return SOON


def _running_compute(cluster: Cluster) -> list[str]:
    compute = cluster.nodes.filter(role=Node.Role.COMPUTE)
    return list(compute.exclude(state__in=NODE_DOWN).values_list("name", flat=True))


def collect(cluster: Cluster) -> timedelta:
    """Store the output files and complete the job. Raises SSHError, StorageFailedError."""
    collection = _store_outputs(cluster)
    with transaction.atomic():
        text = f"Stored {collection.files} output file(s), {collection.size} bytes."
        job_log.append(cluster.job, LogSource.PORTAL, text, stage=COLLECTING)
        _log_details(cluster, collection)
        _record_collected(cluster)
    return timedelta()


def _store_outputs(cluster: Cluster) -> Collection:
    with to_head(cluster, Talk.TRANSFER) as connection, ExitStack() as stack:
        if cluster.observed_state in KEPT and (limit := rest_limit(cluster)) is not None:
            left = max((limit - timezone.now()).total_seconds(), 1.0)
            stack.enter_context(limited(connection, left, "Storing new and changed files"))
        listing, left_out = archive_filters.filtered(
            head_node.listing(cluster, connection, output_collection.MAX_ENTRIES), cluster.job.archive_filters
        )
        streams = [
            Stream(
                stack.enter_context(connection.sftp(SFTP_SECONDS)),
                stack.enter_context(_transfer_time(connection)),
            )
            for _ in range(min(STREAMS, max(1, len(listing.files))))
        ]
        collection = output_collection.collect_outputs(
            cluster.job, listing, streams, CollectingCheck(cluster), ProgressLog(cluster)
        )
        collection.filtered_out = left_out
        return collection


class ProgressLog:
    """Says in the Job Log how much there is to store, and every now and then how much has been stored."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._next_at = 0.0

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        is_first, is_last = not self._next_at, progress.files == progress.of_files
        if not progress.of_files or (not is_first and (is_last or now < self._next_at)):
            return
        self._next_at = now + PROGRESS_SECONDS
        size = filesizeformat(progress.of_size)
        if is_first:
            text = f"Storing {progress.of_files} output file(s), {size}."
        else:
            done = f"{progress.files} of {progress.of_files} file(s)"
            text = f"Storing output files: {done}, {filesizeformat(progress.size)} of {size}."
        job_log.append(self._cluster.job, LogSource.PORTAL, text.replace("\xa0", " "), stage=COLLECTING)


def _log_details(cluster: Cluster, collection: Collection) -> None:
    """Name the links that were stored, and what was left out."""
    job = cluster.job
    if collection.links:
        names = _some(collection.links, ", ")
        text = f"Links to files are stored as files with the same content: {names}."
        job_log.append(job, LogSource.PORTAL, text, stage=COLLECTING)
    if collection.filtered_out:
        text = f"{collection.filtered_out} file(s) match no archive filter and were left out."
        job_log.append(job, LogSource.PORTAL, text, stage=COLLECTING)
    if collection.skipped:
        text = f"Left out {len(collection.skipped)}: " + _some(collection.skipped, "; ")
        job_log.append(job, LogSource.PORTAL, text, level=LogLevel.WARNING, stage=COLLECTING)


def _some(names: Sequence[str], separator: str) -> str:
    shown = separator.join(names[:MAX_NAMES_LOGGED])
    more = len(names) - MAX_NAMES_LOGGED
    return f"{shown}{separator}and {more} more" if more > 0 else shown


def collect_rest(cluster: Cluster, why: str) -> timedelta:
    """Store what is new or changed on a kept head node, then release it. Raises SSHError, StorageFailedError."""
    collection = _store_outputs(cluster)
    with transaction.atomic():
        if collection.fetched:
            text = f"New or changed since then: {collection.fetched} file(s) of the kept head node are stored, too."
            job_log.append(cluster.job, LogSource.PORTAL, text, stage=COLLECTING)
        _log_details(cluster, collection)
        release(cluster, why)
    return timedelta()


def _transfer_time(connection: Connection) -> TransferTime:
    return TransferTime(connection, seconds=SFTP_SECONDS, bytes_per_second=SLOWEST_TRANSFER / STREAMS)


class CollectingCheck:
    """Renews the claim, and ends a collection whose time is over, however well it goes on. Raises ClaimLost."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._look_at = 0.0

    def __call__(self) -> None:
        cluster = self._cluster
        claim.renew_if_old(cluster)
        if cluster.observed_state in KEPT:
            owner_intent.reread(cluster)
            limit = rest_limit(cluster)
        else:
            limit = self._deadline()
        if limit is not None and timezone.now() >= limit:
            raise TimeoutError("not within the time that is allowed.")

    def _deadline(self) -> datetime | None:
        """Return until when it may take, computed again now and then."""
        if (now := time.monotonic()) >= self._look_at:
            self._look_at = now + DEADLINE_SECONDS
            deadline_store.correct(self._cluster)
        return self._cluster.deadline_at


def is_over_after_stop(cluster: Cluster) -> bool:
    """Whether a cluster that its owner terminated has had the time for a failed collection to be repeated."""
    stopped_at = cluster.job.stop_requested_at
    return stopped_at is not None and timezone.now() >= stopped_at + STOP_LIMIT + REPEAT_COLLECTING


def give_up_collecting(cluster: Cluster, why: str) -> timedelta:
    """Continue without the output files: a head node whose files cannot be fetched must not cost for ever."""
    with transaction.atomic():
        text = f"Output files could not be fetched: {why}"
        job_log.append(cluster.job, LogSource.PORTAL, text, level=LogLevel.ERROR, stage=COLLECTING)
        _record_collected(cluster)
    return timedelta()


def _record_collected(cluster: Cluster) -> None:
    now = timezone.now()
    is_ending = cluster.failure or cluster.desired_state == Desired.STOPPED
    is_kept = not cluster.job.auto_terminate_cluster and not is_ending
    kept_at = now if is_kept else None
    checkpoint.advance(cluster, Observed.COLLECTED, collected_at=now, kept_at=kept_at)
    _complete(cluster)
    if kept_at and cluster.desired_state != Desired.STOPPED and cluster.deadline_at is not None:
        until = f"{cluster.deadline_at:%Y-%m-%d %H:%M} UTC"
        text = f"The head node stays, and costs, until you terminate it or {until} at the latest."
        job_log.append(cluster.job, LogSource.PORTAL, text, level=LogLevel.WARNING)


def keep(cluster: Cluster, provider: Provider) -> timedelta:
    """Keep the head node for its owner, and return when to check it again. Raises ProviderError.

    Of a held cluster all nodes that are up are kept, because its owner debugs them.
    """
    if cluster.observed_state == Observed.COLLECTED and (running := _running_compute(cluster)):
        # They had not stopped yet when collecting the output files was given up.
        provider.stop_nodes(cluster.provider_state, running, COMPUTE_DOWN)
    if cluster.deadline_at is None:
        return CHECK_KEPT_EVERY
    return max(SOON, min(CHECK_KEPT_EVERY, cluster.deadline_at - timezone.now()))


def release(cluster: Cluster, why: str) -> timedelta:
    """Begin to release the cluster. From here on nobody can log in."""
    with transaction.atomic():
        checkpoint.advance(cluster, Observed.RELEASING, why)
        text = why or "Shutting the cluster down."
        job_log.append(cluster.job, LogSource.PORTAL, text, stage=ClusterState.STOPPING)
        cluster.nodes.exclude(state__in=NODE_DOWN).update(state=NodeState.STOPPING)
    return timedelta()


def watch_release(cluster: Cluster, provider: Provider, is_gone: bool) -> timedelta:
    """Ask the provider to remove the cluster, again and again; once it is gone, record that. Raises ProviderError."""
    if not is_gone:
        provider.release(cluster.provider_state, HEAD_DOWN)
        return SOON
    charging.settle(cluster, provider)
    with transaction.atomic():
        checkpoint.advance(cluster, Observed.RELEASED, released_at=timezone.now())
        cluster.nodes.exclude(state=NodeState.FAILED).update(state=NodeState.STOPPED)
        text = "The cluster is shut down; nothing runs or costs any more."
        job_log.append(cluster.job, LogSource.PROVIDER, text)
        _complete(cluster)
    session_actions.end_sessions(subject=session_subjects.subject_of(cluster.job), reason=EndReason.NODE_GONE)
    return timedelta()


def _complete(cluster: Cluster) -> None:
    job = cluster.job
    if job.outcome:
        checkpoint.complete(job, Outcome(job.outcome), job.outcome_reason, job.exit_code)
    elif cluster.failure:
        checkpoint.complete(job, Outcome.ERROR, cluster.failure)
    else:
        checkpoint.complete(job, *ClusterEndReason.STOPPED_BY_OWNER.result)
