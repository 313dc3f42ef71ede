"""Steps of a cluster without a command: it is there for people, until its hours are over or its owner ends it."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from jobs.control import checkpoint
from jobs.control.reconcile import ENDINGS, STOPPED_BY_OWNER
from jobs.events import job_log
from jobs.models import Cluster
from jobs.providers.base import Provider
from jobs.states import JobState, Observed

LOOK = timedelta(seconds=15)
SOONEST = timedelta(milliseconds=300)


def stand_by(cluster: Cluster, provider: Provider) -> timedelta:
    """See now and then whether the nodes are still there; be there in time for the end."""
    if cluster.deadline_at is None:
        return LOOK
    return max(SOONEST, min(LOOK, cluster.deadline_at - timezone.now()))


def close(cluster: Cluster, why: str) -> timedelta:
    """Their time is over, as was agreed: nothing failed. What lies in the work directory is collected next."""
    with transaction.atomic():
        checkpoint.remember_outcome(cluster.job, *ENDINGS[why])
        checkpoint.advance(cluster, Observed.EXECUTED, executed_at=timezone.now())
        if why != STOPPED_BY_OWNER:  # they were told when they asked
            job_log.append(cluster.job, "portal", f"{why}.", stage=JobState.EXECUTING)
    return timedelta()
