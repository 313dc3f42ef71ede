"""Compute a cluster's deadline from its rows and the administrator's settings. Reads only."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings

from jobs.context import cluster_plan
from jobs.context.boot_policy import hold_limit
from jobs.lifetime import deadline, idle_limit
from jobs.lifetime.budget_deadlines import budget_deadlines
from jobs.lifetime.deadline import Deadline, DeadlinePolicy, Life
from jobs.models import Cluster
from jobs.states import Desired, Observed


def policy() -> DeadlinePolicy:
    """Return the administrator's limits."""
    return DeadlinePolicy(
        longest_life=settings.HEADNODE_LONGEST_LIFE,
        longest_walltime=timedelta(hours=settings.HEADNODE_MAX_JOB_HOURS),
        kept_head=settings.HEADNODE_KEPT_HEAD_LIMIT,
        collect=settings.HEADNODE_COLLECT_LIMIT,
    )


def life_of(cluster: Cluster) -> Life:
    """Return the dates of the cluster's life from its rows."""
    job = cluster.job
    is_held = cluster.observed_state == Observed.HELD
    # A failed cluster is released; a held one has failed too, but stays.
    is_wanted = cluster.desired_state == Desired.RUNNING and (is_held or not cluster.failure)
    return Life(
        observed=Observed(cluster.observed_state),
        created_at=cluster.let_start_at or cluster.created_at,
        is_waiting=_is_waiting(cluster),
        walltime=job.walltime,
        auto_terminate=job.auto_terminate_cluster,
        is_wanted=is_wanted,
        executing_at=cluster.executing_at,
        executed_at=cluster.executed_at,
        collected_at=cluster.collected_at,
        held_at=cluster.held_at,
        hold=hold_limit(cluster_plan.policy_of(cluster), settings.HEADNODE_KEPT_HEAD_LIMIT)
        if is_held
        else timedelta(),
        stop_requested_at=job.stop_requested_at,
        extended_until=cluster.extended_until,
        keep_running_until=cluster.keep_running_until,
    )


def _is_waiting(cluster: Cluster) -> bool:
    return cluster.wait_began_at is not None and cluster.let_start_at is None


def other_limits(cluster: Cluster) -> Sequence[Deadline]:
    """Return limits computed elsewhere (idle, budget)."""
    idle = idle_limit.limit_of(cluster)
    return [*budget_deadlines(cluster), *([] if idle is None else [idle])]


def deadline_of(cluster: Cluster) -> Deadline | None:
    """Return the deadline that rows and settings give now, whatever the row says."""
    return deadline.earliest_deadline(life_of(cluster), policy(), other_limits(cluster))


def is_extendable(cluster: Cluster) -> bool:
    """Return whether there is something to extend, however far. Asks the database nothing, unlike the other one."""
    life = life_of(cluster)
    return life.is_wanted and not deadline.why_not_extendable(life)


def latest_extension_of(cluster: Cluster) -> datetime | None:
    """Return how far its owner may extend it; None if there is nothing to extend."""
    return deadline.latest_extension(life_of(cluster), policy(), other_limits(cluster))
