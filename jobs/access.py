"""Who may see which job, and who may reach which node from where. Every door asks here."""

import hashlib
import json
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from accounts import cidr
from accounts.models import User
from accounts.refusals import Refused
from accounts.services import job_settings
from jobs.models import Cluster, Job, Node
from jobs.states import Observed
from sshgateway.authority import user_authority_lines
from sshgateway.models import TerminalSession
from sshgateway.targets import Target


def visible_jobs(user: User) -> QuerySet[Job]:
    """The jobs this person may know of."""
    return Job.objects.filter(owner=user)


def rules_of(owner: User) -> list[str]:
    """The CIDR rules in force for a person's clusters: none while SSH access is off."""
    if not job_settings(owner).ssh_access:
        return []
    return list(owner.access_rules.values_list("cidr", flat=True))


def admission(cluster: Cluster) -> dict[str, Any]:
    """Who may come in to the cluster's nodes now, as the provider is told."""
    owner = cluster.job.owner
    return {
        "authorized_keys": list(owner.ssh_keys.values_list("public_key", flat=True)),
        "rules": rules_of(owner),
        "user_authorities": user_authority_lines(),
        "gateway_addresses": settings.HEADNODE_GATEWAY_ADDRESSES,
    }


def admission_digest(document: dict[str, Any]) -> str:
    """A short name for an admission document, to see whether it changed."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def check_address(owner: User, source_address: str) -> None:
    """Raise Refused (`ssh_access_off`, `cidr_denied`) unless the person's rules let this address in."""
    if not job_settings(owner).ssh_access:
        raise Refused(
            "ssh_access_off",
            "SSH access is switched off in Job Settings. Switch it on to connect.",
            status=403,
        )
    if not cidr.allows(rules_of(owner), source_address):
        raise Refused(
            "cidr_denied",
            f"Your address {source_address} is in no access rule. Add it in Job Settings to connect.",
            status=403,
        )


def node_target(node: Node) -> Target:
    """The target of a node that reported itself. For the portal's own logins: asks no rule."""
    if not node.address or not node.port or not node.host_keys:
        raise Refused("not_ready", f"{node.name} is not ready yet.", status=409)
    job = node.cluster.job
    return Target(
        address=node.address,
        port=node.port,
        principal=job.username,
        host_keys=tuple(node.host_keys),
        label=f"{node.name} of {job.name}",
        subject=subject(job),
        node=node.name,
    )


def terminal_target(user: User, job: Job, node_name: str, source_address: str) -> Target:
    """Where a browser terminal of this person may lead.

    Raises Refused: `not_found` (404), `cluster_gone`, `not_ready` (409), `ssh_access_off`, `cidr_denied` (403).
    """
    if not visible_jobs(user).filter(pk=job.pk).exists():
        raise Refused("not_found", "There is no such job.", status=404)
    cluster = Cluster.objects.filter(job=job).first()
    if cluster is None:
        raise Refused("not_ready", "The job was not submitted: it has no cluster yet.", status=409)
    if cluster.observed_state in (Observed.RELEASING, Observed.RELEASED):
        raise Refused("cluster_gone", "The cluster has ended: there is no machine to open.", status=409)
    node = cluster.nodes.filter(name=node_name).first()
    if node is None:
        raise Refused("not_found", "The cluster has no node of that name.", field="node", status=404)
    if node.state in (Node.State.STOPPING, Node.State.STOPPED, Node.State.FAILED):
        raise Refused("node_gone", f"{node.name} is {node.state}.", status=409)
    if not node.is_up:
        raise Refused("not_ready", f"{node.name} is not ready yet.", status=409)
    check_address(job.owner, source_address)
    return node_target(node)


def subject(job: Job) -> str:
    """How terminal sessions name the job they belong to."""
    return f"job:{job.pk}"


def keep_gate(session: TerminalSession, user: User, source_address: str) -> None:
    """The gatekeeper of terminal sessions: asked when a socket attaches and while it stays."""
    kind, _, job_id = session.subject.partition(":")
    if kind != "job":
        return
    job = visible_jobs(user).select_related("owner").filter(pk=job_id).first()
    if job is None:
        raise Refused("not_found", "There is no such job.", status=404)
    terminal_target(user, job, session.node, source_address)
