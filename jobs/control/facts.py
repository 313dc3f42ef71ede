"""Gather the facts of a decision from the cluster's rows and the settings. Reads only."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from jobs.context import cluster_plan
from jobs.control.decisions import Facts, NodeFacts
from jobs.costs.budgets import ENDING_RESERVE
from jobs.lifetime.budget_deadlines import budget_deadlines
from jobs.lifetime.deadline import COLLECT_AFTER_STOP, DeadlineReason
from jobs.models import Cluster, Node
from jobs.states import ClusterState, Desired, Observed

# A command that was asked to end has this long: it is killed after 10 s, and its end has to be seen.
STOP_LIMIT = timedelta(seconds=20)
# Of a kept head node: from Terminate to the end of storing what is new on it. Connecting and releasing come on top; all
# together must be done 40 s after Terminate.
REST_AFTER_STOP = timedelta(seconds=28)


def facts_of(cluster: Cluster, nodes: Sequence[Node], provider_has_it: bool) -> Facts:
    """Return the facts as they are now."""
    job = cluster.job
    alarms = [node.host_key_alarm_at for node in nodes if node.host_key_alarm_at is not None]
    return Facts(
        desired=Desired(cluster.desired_state),
        observed=Observed(cluster.observed_state),
        now=timezone.now(),
        nodes=[_node_facts(node) for node in nodes],
        provider_has_it=provider_has_it,
        failed=bool(cluster.failure),
        policy=cluster_plan.policy_of(cluster),
        reported=cluster.context_reported_at is not None,
        auto_terminate=job.auto_terminate_cluster,
        has_command=bool(job.command),
        boot_limit_at=cluster.booting_at + settings.HEADNODE_BOOT_LIMIT if cluster.booting_at else None,
        deadline_at=cluster.deadline_at,
        deadline_reason=cluster.deadline_reason,
        launch_limit_at=cluster.ready_at + settings.HEADNODE_BOOT_LIMIT if cluster.ready_at else None,
        stop_limit_at=job.stop_requested_at + STOP_LIMIT if job.stop_requested_at else None,
        overrun_at=cluster.deadline_at + STOP_LIMIT if cluster.deadline_at else None,
        failure_limit_at=_failed_at(cluster) + STOP_LIMIT if cluster.failure else None,
        kept=cluster.kept_at is not None or cluster.observed_state == Observed.HELD,
        rest_limit_at=rest_limit(cluster),
        trust_limit_at=_trust_limit(cluster, min(alarms)) if alarms else None,
    )


def rest_limit(cluster: Cluster) -> datetime | None:
    """Return until when files of a kept head node may be stored before it is released: soon, once it was terminated."""
    limits = []
    if cluster.deadline_at is not None:
        is_budget = cluster.deadline_reason == DeadlineReason.BUDGET
        limits.append(cluster.deadline_at + (ENDING_RESERVE if is_budget else COLLECT_AFTER_STOP))
    if cluster.job.stop_requested_at is not None:
        limits.append(cluster.job.stop_requested_at + REST_AFTER_STOP)
    return min(limits, default=None)


def _trust_limit(cluster: Cluster, alarm_at: datetime) -> datetime:
    """Return until when a distrusted head node waits for an administrator: no longer than a budget pays for it."""
    budgets = [budget.at for budget in budget_deadlines(cluster)]
    return min([alarm_at + settings.HEADNODE_KEPT_HEAD_LIMIT, *budgets])


def _failed_at(cluster: Cluster) -> datetime:
    row = cluster.statuses.filter(status=ClusterState.ERROR).first()
    return row.at if row else cluster.created_at


def _node_facts(node: Node) -> NodeFacts:
    return NodeFacts(
        node.name,
        node.state,
        node.reason,
        node.report_outcome,
        verified=node.verified_at is not None,
        registered=node.registered_at is not None,
        left_out=node.left_out,
        distrusted=node.host_key_alarm_at is not None,
    )
