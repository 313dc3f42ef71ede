"""The idle limit of a cluster, from its rows and the administrator's settings. Reads only."""

from datetime import datetime

from django.conf import settings

from jobs.lifetime import idle
from jobs.lifetime.deadline import Deadline
from jobs.lifetime.idle import IdlePolicy
from jobs.models import Cluster
from jobs.states import Desired, Observed


def policy_of(cluster: Cluster) -> IdlePolicy:
    """Return the limits that hold for a cluster."""
    return IdlePolicy(
        limit=idle.limit_for(
            cluster.job.idle_minutes, settings.HEADNODE_IDLE_MINUTES, settings.HEADNODE_MAX_IDLE_MINUTES
        ),
        cpu_percent=settings.HEADNODE_IDLE_CPU_PERCENT,
        unknown=settings.HEADNODE_IDLE_UNKNOWN,
    )


def in_use_since(cluster: Cluster) -> datetime | None:
    """Return since when people use it without a command: from then on it can be idle. None: it is busy, or going."""
    if cluster.desired_state != Desired.RUNNING:
        return None
    match cluster.observed_state:
        case Observed.EXECUTING if not cluster.job.command:
            return cluster.executing_at
        case Observed.COLLECTED if not cluster.job.auto_terminate_cluster:
            return cluster.collected_at
        case Observed.HELD:
            return cluster.held_at
    return None


def limit_of(cluster: Cluster) -> Deadline | None:
    """Return when the cluster ends for being idle; None if it does not."""
    since = in_use_since(cluster)
    if since is None:
        return None
    return idle.idle_deadline(policy_of(cluster).limit, [since, cluster.active_at])
