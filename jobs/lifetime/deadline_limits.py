"""The deadline of a cluster, from its rows and the administrator's settings."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings

from jobs.context import node_context
from jobs.context.policy import hold_limit
from jobs.lifetime import deadline
from jobs.lifetime.deadline import Deadline, Life, Policy
from jobs.models import Cluster
from jobs.states import Desired, Observed


def policy() -> Policy:
    """What the administrator allows."""
    return Policy(
        longest_life=settings.HEADNODE_LONGEST_LIFE,
        longest_walltime=timedelta(hours=settings.HEADNODE_MAX_JOB_HOURS),
        kept_head=settings.HEADNODE_KEPT_HEAD_LIMIT,
        collect=settings.HEADNODE_COLLECT_LIMIT,
    )


def life_of(cluster: Cluster) -> Life:
    """What the rows say of the cluster's life."""
    job = cluster.job
    is_held = cluster.observed_state == Observed.HELD
    # What broke is being taken away; what is held is broken, too, and stays.
    is_wanted = cluster.desired_state == Desired.RUNNING and (is_held or not cluster.failure)
    return Life(
        observed=Observed(cluster.observed_state),
        created_at=cluster.created_at,
        walltime=job.walltime,
        auto_terminate=job.auto_terminate_cluster,
        is_wanted=is_wanted,
        executing_at=cluster.executing_at,
        executed_at=cluster.executed_at,
        collected_at=cluster.collected_at,
        held_at=cluster.held_at,
        hold=hold_limit(node_context.policy_of(cluster), settings.HEADNODE_KEPT_HEAD_LIMIT)
        if is_held
        else timedelta(),
        stop_requested_at=job.stop_requested_at,
        extended_until=cluster.extended_until,
    )


def other_limits(cluster: Cluster) -> Sequence[Deadline]:
    """Limits that others compute (idle, budget). None yet: this is the one place where they come in."""
    return ()


def deadline_of(cluster: Cluster) -> Deadline | None:
    """The cluster's deadline as rows and settings give it now."""
    return deadline.earliest_deadline(life_of(cluster), policy(), other_limits(cluster))


def latest_extension_of(cluster: Cluster) -> datetime | None:
    """How far its owner may extend it; None where there is nothing to extend."""
    return deadline.latest_extension(life_of(cluster), policy(), other_limits(cluster))
