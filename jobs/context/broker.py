"""What a node may say, and what it hears.

1. A node registers with its token, its host keys and its addresses, and gets the cluster's context. The token is
   bound to the first host keys it came with: the same words again are answered again (an answer may get lost),
   other host keys are refused and audited.
2. It reports how its start went. After that the token is spent.
"""

import ipaddress
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import public_keys
from accounts.audit import Actor, record
from accounts.refusals import Refused
from jobs import access, bell, events, host_certificates
from jobs.context.tokens import digest_of
from jobs.models import Cluster, Node
from jobs.states import Observed

MAX_HOST_KEYS = 8
MAX_LOG = 256 * 1024
BOOTING = (Observed.ABSENT, Observed.BOOTING)


def register(token: str, said: dict[str, Any], source_address: str) -> dict[str, Any]:
    """Answer a node's registration with its context.

    Raises Refused: `token_unknown` (401), `token_replayed`, `token_spent` (409), `bad_registration` (400),
    `address_taken` (409).
    """
    facts = _registration(said)
    with transaction.atomic():
        node = _node(token)
        if node.reported_at is not None:
            refused = Refused("token_spent", "This token was used up by an earlier report.", status=409)
        elif node.cluster.observed_state not in BOOTING:
            refused = Refused("too_late", "The cluster is not booting any more.", status=409)
        elif node.registered_at is not None and node.host_keys != facts["host_keys"]:
            refused = Refused("token_replayed", "This token came with other host keys before.", status=409)
        elif _address_taken(node, facts):
            refused = Refused("address_taken", "Another node has this address.", status=409)
        else:
            refused = None
            if node.registered_at is None:
                _save_registration(node, facts)
        if refused is not None:
            _audit(node, "refused", source_address, {"reason": refused.reason})
    if refused is not None:
        raise refused
    return context_of(node)


def report(token: str, said: dict[str, Any], source_address: str) -> None:
    """Take a node's report. Raises Refused like `register`; a spent token is refused (`token_spent`, 409)."""
    outcome, log = said.get("outcome"), said.get("log", "")
    if outcome not in ("ok", "error") or not isinstance(log, str):
        raise Refused("bad_report", "A report has an outcome (ok or error) and a log (text).")
    with transaction.atomic():
        node = _node(token)
        if node.reported_at is not None:
            refused = Refused("token_spent", "This token was used up by an earlier report.", status=409)
        elif node.cluster.observed_state not in BOOTING:
            refused = Refused("too_late", "The cluster is not booting any more.", status=409)
        elif node.registered_at is None:
            refused = Refused("not_registered", "Register before you report.", status=409)
        else:
            refused = None
            node.reported_at = timezone.now()
            node.report_outcome = outcome
            node.report_log = log[-MAX_LOG:].replace("\0", "")
            node.save(update_fields=["reported_at", "report_outcome", "report_log"])
            level, text = ("info", "reports OK") if outcome == "ok" else ("error", "reports an ERROR")
            events.append(
                node.cluster.job,
                "node",
                f"{node.name} {text}.",
                level=level,
                stage="Starting",
                node=node.name,
            )
            bell.ring(node.cluster_id)
        if refused is not None:
            _audit(node, "refused", source_address, {"reason": refused.reason})
    if refused is not None:
        raise refused


def context_of(node: Node) -> dict[str, Any]:
    """What a node needs to know to play its part."""
    cluster = node.cluster
    job = cluster.job
    return {
        "username": job.username,
        "home": job.home,
        **access.admission(cluster),
        "host_certificates": host_certificates.at_registration(node),
        "environment": environment(cluster),
        "motd": f"{job.name}: {node.name} of {cluster.nodes.count()} ({node.core_type.name}).",
    }


def environment(cluster: Cluster) -> dict[str, str]:
    """The environment of the job's command and of every login."""
    job = cluster.job
    nodes = list(cluster.nodes.all())
    return {
        "RESCALE_JOB_ID": job.pk,
        "RESCALE_CLUSTER_ID": cluster.pk,
        "RESCALE_CORES_PER_SLOT": str(job.cores_per_slot),
        "RESCALE_SLOTS": str(job.slots),
        "RESCALE_CORES": str(sum(node.cores for node in nodes)),
        "RESCALE_NODES": str(len(nodes)),
        "HEADNODE_JOB_ID": job.pk,
        "HEADNODE_NODES": " ".join(node.name for node in nodes),
        "MACHINEFILE": f"{job.home}/machinefile",
    }


def _node(token: str) -> Node:
    node = (
        Node.objects.select_for_update(of=("self",))
        .select_related("cluster__job__owner", "core_type")
        .filter(token_digest=digest_of(token))
        .first()
    )
    if node is None:
        raise Refused("token_unknown", "No node has this token.", status=401)
    return node


def _registration(said: dict[str, Any]) -> dict[str, Any]:
    keys, port, hostname = said.get("host_keys"), said.get("port"), said.get("hostname", "")
    bad = "bad_registration"
    if not isinstance(keys, list) or not 0 < len(keys) <= MAX_HOST_KEYS:
        raise Refused(bad, f"Say between 1 and {MAX_HOST_KEYS} host keys.", field="host_keys")
    lines = []
    for key in keys:
        if not isinstance(key, str):
            raise Refused(bad, "A host key is one line of text.", field="host_keys")
        lines.append(" ".join(public_keys.parse(key).line.split()[:2]))
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65536:
        raise Refused(bad, "A port is a number from 1 to 65535.", field="port")
    if not isinstance(hostname, str) or len(hostname) > 80 or not hostname.isprintable():
        raise Refused(bad, "A host name has at most 80 printable characters.", field="hostname")
    return {
        "host_keys": sorted(lines),
        "port": port,
        "hostname": hostname,
        "address": _ip(said.get("address"), "address"),
        "private_address": _ip(said.get("private_address"), "private_address"),
    }


def _ip(value: object, field: str) -> str:
    try:
        return str(ipaddress.ip_address(value))  # type: ignore[arg-type]
    except ValueError as error:
        raise Refused("bad_registration", f"{field} is no IP address.", field=field) from error


def _address_taken(node: Node, facts: dict[str, Any]) -> bool:
    live = Node.objects.exclude(pk=node.pk).exclude(cluster__observed_state=Observed.RELEASED)
    return (
        live.filter(address=facts["address"], port=facts["port"], registered_at__isnull=False)
        .exclude(state__in=[Node.State.STOPPED, Node.State.FAILED])
        .exists()
    )


def _save_registration(node: Node, facts: dict[str, Any]) -> None:
    for name, value in facts.items():
        setattr(node, name, value)
    node.registered_at = timezone.now()
    node.save(update_fields=[*facts, "registered_at"])
    prints = ", ".join(public_keys.parse(key).fingerprint for key in node.host_keys)
    events.append(
        node.cluster.job,
        "node",
        f"{node.name} phoned home from {node.address} port {node.port}; host key {prints}.",
        stage="Starting",
        node=node.name,
    )
    bell.ring(node.cluster_id)


def _audit(node: Node, what: str, source_address: str, facts: dict[str, Any]) -> None:
    record(
        Actor(user=None, source_address=source_address or None),
        f"jobs:node:{what}",
        "node",
        node.pk,
        owner=node.cluster.job.owner,
        after={"node": node.name, "cluster": node.cluster_id, **facts},
    )
