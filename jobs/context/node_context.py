"""Build the context document that a node receives when it registers, and the environment of its programs."""

from typing import Any

from jobs.access import access_document, host_certificates
from jobs.context.cluster_plan import plan_of
from jobs.context.context_plan import ContextPlan, Member, OnError
from jobs.context.peer_members import peers_of
from jobs.models import Cluster, Node
from jobs.node_contract.node_context import (
    HALT_ON_ERROR,
    STAY_ON_ERROR,
    MemberFields,
    NodeContextFields,
    OwnMemberFields,
    PhaseFields,
)
from jobs.node_contract.phases import Phase


def context_of(node: Node) -> dict[str, Any]:
    """Return the node's context document, as far as the cluster is known now."""
    cluster = node.cluster
    job, plan = cluster.job, plan_of(cluster)
    nodes = list(cluster.nodes.all())
    member = plan.member(node.name)
    access = access_document.new_document(cluster)
    fields: NodeContextFields = {
        "username": job.username,
        "home": job.home,
        "host_certificates": host_certificates.sign_at_registration(node),
        "environment": environment(cluster, nodes),
        "motd": f"{job.name}: {node.name} of {len(nodes)} ({node.core_type.name}).",
        "member": _own_entry(member),
        "phases": _phases(plan, member),
        "data": dict(plan.data),
        "members": [_member_entry(other) for other in plan.members],
        "on_error": STAY_ON_ERROR if plan.policy.on_error == OnError.HOLD else HALT_ON_ERROR,
        "peers": peers_of(plan, nodes, node.name),
    }
    return {**access, **fields}


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


def _own_entry(member: Member) -> OwnMemberFields:
    return {
        "name": member.name,
        "role": member.role,
        "provides": list(member.provides),
        "requires": list(member.requires),
    }


def _member_entry(member: Member) -> MemberFields:
    return {
        "name": member.name,
        "role": member.role,
        "core_type": member.core_type,
        "cores": member.cores,
        "provides": list(member.provides),
    }


def _phases(plan: ContextPlan, member: Member) -> list[PhaseFields]:
    return [
        {
            "name": phase.value,
            "timeout_seconds": plan.timeout_seconds(phase),
            "script": member.scripts.get(phase, ""),
        }
        for phase in Phase
    ]
