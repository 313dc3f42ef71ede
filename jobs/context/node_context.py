"""Build the context document that a node receives when it registers, and the environment of its programs."""

from typing import Any

from jobs.access import access_document, host_certificates
from jobs.context.cluster_plan import plan_of
from jobs.context.context_plan import ContextPlan, Member, OnError, Phase
from jobs.context.peer_members import peers_of
from jobs.models import Cluster, Node

# What a node whose contextualization failed does: stay up for its owner to debug, or shut down.
STAY, HALT = "stay", "halt"


def context_of(node: Node) -> dict[str, Any]:
    """Return the node's context document, as far as the cluster is known now."""
    cluster = node.cluster
    job, plan = cluster.job, plan_of(cluster)
    nodes = list(cluster.nodes.all())
    member = plan.member(node.name)
    return {
        "username": job.username,
        "home": job.home,
        **access_document.new_document(cluster),
        "host_certificates": host_certificates.sign_at_registration(node),
        "environment": environment(cluster, nodes),
        "motd": f"{job.name}: {node.name} of {len(nodes)} ({node.core_type.name}).",
        "member": _own_entry(member),
        "phases": _phases(plan, member),
        "data": dict(plan.data),
        "members": [_member_entry(other) for other in plan.members],
        "on_error": STAY if plan.policy.on_error == OnError.HOLD else HALT,
        "peers": peers_of(plan, nodes, node.name),
    }


def environment(cluster: Cluster, nodes: list[Node] | None = None) -> dict[str, str]:
    """Return the environment of the job's command and of every login. It leaves out nodes that were left out."""
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


def _own_entry(member: Member) -> dict[str, Any]:
    return {
        "name": member.name,
        "role": member.role,
        "provides": list(member.provides),
        "requires": list(member.requires),
    }


def _member_entry(member: Member) -> dict[str, Any]:
    return {
        "name": member.name,
        "role": member.role,
        "core_type": member.core_type,
        "cores": member.cores,
        "provides": list(member.provides),
    }


def _phases(plan: ContextPlan, member: Member) -> list[dict[str, Any]]:
    return [
        {
            "name": phase.value,
            "timeout_seconds": plan.timeout_seconds(phase),
            "script": member.scripts.get(phase, ""),
        }
        for phase in Phase
    ]
