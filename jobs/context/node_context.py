"""What nodes hear: their part in the plan, who else is there, the launch's data, the environment of programs."""

from typing import Any

from django.utils import timezone

from jobs.access import host_certificates, node_access
from jobs.context import plan as plans
from jobs.context.plan import ContextPlan, OnError, Phase, Policy
from jobs.models import Cluster, Node

# What a node that failed does: stay for its owner to look into it, or end.
STAY, HALT = "stay", "halt"
SOONEST_SECONDS, LATEST_SECONDS = 0.1, 2.0


def plan_of(cluster: Cluster) -> ContextPlan:
    """The cluster's plan; that of a plain job when it has none of its own."""
    if cluster.plan:
        return plans.read_plan(cluster.plan)
    job = cluster.job
    return plans.plain_plan(job.core_type_id, job.cores_per_slot, job.slots)


def policy_of(cluster: Cluster) -> Policy:
    """What becomes of the cluster when nodes do not come up."""
    return plans.read_policy(cluster.plan.get("policy", {}))


def may_leave_out(plan: ContextPlan) -> bool:
    """Whether the cluster goes on without nodes that fail."""
    return plan.policy.on_error == OnError.CONTINUE


def context_of(node: Node) -> dict[str, Any]:
    """Everything a node needs to play its part, as far as it is known now."""
    cluster = node.cluster
    job, plan = cluster.job, plan_of(cluster)
    nodes = list(cluster.nodes.all())
    member = plan.member(node.name)
    return {
        "username": job.username,
        "home": job.home,
        **node_access.access_document(cluster),
        "host_certificates": host_certificates.at_registration(node),
        "environment": environment(cluster, nodes),
        "motd": f"{job.name}: {node.name} of {len(nodes)} ({node.core_type.name}).",
        "member": {
            "name": member.name,
            "role": member.role,
            "provides": list(member.provides),
            "requires": list(member.requires),
        },
        "phases": [
            {
                "name": phase.value,
                "timeout_seconds": plan.timeout_seconds(phase),
                "script": member.scripts.get(phase, ""),
            }
            for phase in Phase
        ],
        "data": dict(plan.data),
        "members": [
            {
                "name": m.name,
                "role": m.role,
                "core_type": m.core_type,
                "cores": m.cores,
                "provides": list(m.provides),
            }
            for m in plan.members
        ],
        "on_error": STAY if plan.policy.on_error == OnError.HOLD else HALT,
        "peers": peers_of(plan, nodes, node.name),
    }


def peers_of(
    plan: ContextPlan, nodes: list[Node], name: str, *, some_will_do: bool = False
) -> dict[str, Any]:
    """The members this one requires, by role: `roles`, or `waiting_for` while some have not registered.

    Providers that failed are not waited for. With `some_will_do` those that are there are enough, if each role has one.
    """
    by_name = {node.name: node for node in nodes}
    roles: dict[str, list[dict[str, Any]]] = {}
    waiting: dict[str, list[str]] = {}
    lost: dict[str, list[str]] = {}
    for role in plan.member(name).requires:
        known = [by_name[provider] for provider in plan.providers(role) if provider in by_name]
        there = [node for node in known if node.registered_at is not None and not _is_lost(node)]
        absent = [node.name for node in known if node.registered_at is None and not _is_lost(node)]
        roles[role] = [_peer(node) for node in there]
        if absent and not (some_will_do and there):
            waiting[role] = absent
        elif not there:
            lost[role] = [node.name for node in known]
    if lost:
        return {"lost": lost}
    if waiting:
        return {"waiting_for": waiting, "ask_again_seconds": _ask_again_seconds(by_name[name])}
    return {"roles": roles}


def environment(cluster: Cluster, nodes: list[Node] | None = None) -> dict[str, str]:
    """The environment of the job's command and of every login. Nodes that were left out are not in it."""
    job = cluster.job
    counted = [node for node in nodes or cluster.nodes.all() if not node.left_out]
    return {
        "RESCALE_JOB_ID": job.pk,
        "RESCALE_CLUSTER_ID": cluster.pk,
        "RESCALE_CORES_PER_SLOT": str(job.cores_per_slot),
        "RESCALE_SLOTS": str(len(counted)),
        "RESCALE_CORES": str(sum(node.cores for node in counted)),
        "RESCALE_NODES": str(len(counted)),
        "HEADNODE_JOB_ID": job.pk,
        "HEADNODE_NODES": " ".join(node.name for node in counted),
        "MACHINEFILE": f"{job.home}/machinefile",
    }


def _ask_again_seconds(node: Node) -> float:
    """Soon at first, ever more rarely for a node that has waited long."""
    waited = timezone.now() - (node.registered_at or timezone.now())
    return round(min(max(waited.total_seconds() / 4, SOONEST_SECONDS), LATEST_SECONDS), 2)


def _is_lost(node: Node) -> bool:
    return node.report_outcome == "error" or node.state in (Node.State.FAILED, Node.State.STOPPED)


def _peer(node: Node) -> dict[str, Any]:
    return {
        "name": node.name,
        "hostname": node.hostname,
        "address": node.private_address,
        "host_keys": node.host_keys,
    }
