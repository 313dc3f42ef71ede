"""Steps of a cluster without a command: it is there for people, until its hours are over or its owner ends it."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from jobs import events
from jobs.control import checkpoint
from jobs.models import Cluster
from jobs.providers.base import Provider
from jobs.states import Desired, JobState, Observed, Outcome

LOOK = timedelta(seconds=15)
SOONEST = timedelta(milliseconds=300)
HOURS_OVER = "Its hours are over"


def stand_by(cluster: Cluster, provider: Provider) -> timedelta:
    """See now and then whether the nodes are still there; be there in time for the end."""
    if cluster.deadline_at is None:
        return LOOK
    return max(SOONEST, min(LOOK, cluster.deadline_at - timezone.now()))


def close(cluster: Cluster, why: str) -> timedelta:
    """Their time is over, as was agreed: nothing failed. What lies in the work directory is collected next."""
    ended_by_owner = cluster.desired_state == Desired.STOPPED
    outcome = Outcome.TERMINATED if ended_by_owner else Outcome.SUCCEEDED
    with transaction.atomic():
        checkpoint.remember_outcome(cluster.job, outcome, "User Terminated" if ended_by_owner else HOURS_OVER)
        checkpoint.advance(cluster, Observed.EXECUTED, executed_at=timezone.now())
        if not ended_by_owner:  # they were told when they asked
            events.append(cluster.job, "portal", f"{why}.", stage=JobState.EXECUTING)
    return timedelta()
