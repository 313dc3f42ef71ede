"""Steps of a cluster without a command: it runs until its hours are over or its owner ends it."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from jobs.control import checkpoint
from jobs.control.cluster_end_reasons import ClusterEndReason, result_of
from jobs.events import job_log
from jobs.models import Cluster
from jobs.states import JobState, LogSource, Observed

CHECK_EVERY = timedelta(seconds=15)
# A stop was logged when it was requested, a failure when it was seen.
LOGGED_BEFORE = (ClusterEndReason.STOPPED_BY_OWNER, ClusterEndReason.NODE_FAILED)
SOONEST = timedelta(milliseconds=300)


def stand_by(cluster: Cluster) -> timedelta:
    """Return when to check the nodes again: every CHECK_EVERY, and in time for the deadline."""
    if cluster.deadline_at is None:
        return CHECK_EVERY
    return max(SOONEST, min(CHECK_EVERY, cluster.deadline_at - timezone.now()))


def close(cluster: Cluster, why: str) -> timedelta:
    """The reserved time is over. Record success; collecting comes next."""
    with transaction.atomic():
        checkpoint.save_outcome(cluster, *result_of(why))
        checkpoint.advance(cluster, Observed.EXECUTED, executed_at=timezone.now())
        if why not in LOGGED_BEFORE:
            job_log.append(cluster.job, LogSource.PORTAL, f"{why}.", stage=JobState.EXECUTING)
    return timedelta()
