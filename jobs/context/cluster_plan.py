"""Read the context plan that a cluster's row stores."""

from jobs.context.context_plan import ContextPlan, ContextPolicy, OnError, plain_plan
from jobs.context.plan_reader import read_plan, read_policy
from jobs.models import Cluster


def plan_of(cluster: Cluster) -> ContextPlan:
    """Return the cluster's plan; that of a plain job when it has none of its own."""
    if cluster.plan:
        return read_plan(cluster.plan)
    job = cluster.job
    return plain_plan(job.core_type_id, job.cores_per_slot, job.slots)


def policy_of(cluster: Cluster) -> ContextPolicy:
    """Return the policy for nodes that do not come up."""
    return read_policy(cluster.plan.get("policy", {}))


def may_leave_out(plan: ContextPlan) -> bool:
    """Whether the cluster goes on without nodes that fail."""
    return plan.policy.on_error == OnError.CONTINUE
