"""Who may see which job, and who may reach which node from where. Every door asks here."""

import hashlib
import json
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from accounts import cidr
from accounts.keys import validity
from accounts.models import User
from accounts.refusals import Refused
from accounts.services import job_settings
from jobs.models import Cluster, Job, Node
from jobs.states import Observed
from sshgateway.certificates.authorities import user_authority_lines
from sshgateway.models import TerminalSession
from sshgateway.ssh.targets import Target


def visible_jobs(user: User) -> QuerySet[Job]:
    """The jobs this person may know of."""
    return Job.objects.filter(owner=user)


def rules_of(owner: User) -> list[str]:
    """The CIDR rules in force for a person's clusters: none while SSH access is off."""
    if not job_settings(owner).ssh_access:
        return []
    return [rule.cidr for rule in validity.rules_in_force(owner)]


def access_document(cluster: Cluster) -> dict[str, Any]:
    """Who may come in to the cluster's nodes now, as the provider is told.

    `version` orders documents: each takes a number of its own before anything else is read, so that one with a
    higher number never leaves out what an earlier one knew. `withdrawn` says why a key that is saved opens nothing,
    for the sessions that end.
    """
    with transaction.atomic():
        row = Cluster.objects.filter(pk=cluster.pk)
        row.update(admission_version=F("admission_version") + 1)
        version = row.values_list("admission_version", flat=True).get()
    return {"version": version, **access_content(cluster)}


def access_content(cluster: Cluster) -> dict[str, Any]:
    """What an admission document says, without its number."""
    owner = cluster.job.owner
    keys = [(key, validity.key_validity(key)) for key in owner.ssh_keys.all()]
    active = validity.Validity.ACTIVE
    return {
        "authorized_keys": [key.public_key for key, worth in keys if worth is active],
        "withdrawn": {key.fingerprint: worth.value for key, worth in keys if worth is not active},
        "rules": rules_of(owner),
        "user_authorities": user_authority_lines(),
        "gateway_addresses": settings.HEADNODE_GATEWAY_ADDRESSES,
    }


def access_digest(document: dict[str, Any]) -> str:
    """A short name for what an admission document says, whatever its number, to see whether it changed."""
    content = {name: value for name, value in document.items() if name != "version"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def check_address(owner: User, source_address: str) -> None:
    """Raise Refused (`ssh_access_off`, `cidr_denied`) unless the person's rules let this address in."""
    if not job_settings(owner).ssh_access:
        raise Refused(
            "ssh_access_off",
            "SSH access is switched off in Job Settings. Switch it on to connect.",
            status=403,
        )
    if not source_address:
        raise Refused(
            "cidr_denied",
            "The proxy in front of the portal did not say which address you come from, so no access rule can let "
            "you in. Tell your administrator.",
            status=403,
        )
    if not cidr.allows(rules_of(owner), source_address):
        raise Refused(
            "cidr_denied",
            f"Your address {source_address} is in no access rule. Add it in Job Settings to connect.",
            status=403,
        )


def check_trust(node: Node) -> None:
    """Raise Refused (`host_key_changed`) while a node that showed another host key has not been looked into."""
    if node.host_key_alarm_at is not None:
        raise Refused(
            "host_key_changed",
            f"{node.name} showed another host key than it reported, so nobody is led there. "
            "Tell your administrator, who can clear the alarm.",
            status=403,
        )


def node_target(node: Node) -> Target:
    """The target of a node that reported itself. For the portal's own logins: asks no rule.

    Raises Refused: `not_ready` (409), `host_key_changed` (403).
    """
    if not node.address or not node.port or not node.host_keys:
        raise Refused("not_ready", f"{node.name} is not ready yet.", status=409)
    check_trust(node)
    job = node.cluster.job
    return Target(
        address=node.address,
        port=node.port,
        principal=job.username,
        host_keys=tuple(node.host_keys),
        label=f"{node.name} of {job.name}",
        subject=subject(job),
        node=node.name,
        core_type=node.core_type_id,
    )


def terminal_target(user: User, job: Job, node_name: str, source_address: str) -> Target:
    """Where a browser terminal of this person may lead.

    Raises Refused: `not_found` (404), `cluster_gone`, `not_ready` (409), `ssh_access_off`, `cidr_denied`,
    `host_key_changed` (403).
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


def job_id_of(subject_name: str) -> str:
    """The job a subject names; empty when it names none."""
    kind, _, job_id = subject_name.partition(":")
    return job_id if kind == "job" else ""


def check_job_terminal(session: TerminalSession, user: User, source_address: str) -> None:
    """The gatekeeper of terminal sessions: asked when a socket attaches and while it stays."""
    job_id = job_id_of(session.subject)
    if not job_id:
        return
    job = visible_jobs(user).select_related("owner").filter(pk=job_id).first()
    if job is None:
        raise Refused("not_found", "There is no such job.", status=404)
    terminal_target(user, job, session.node, source_address)
