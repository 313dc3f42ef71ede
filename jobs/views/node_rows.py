"""The rows of the job page's table of nodes: what each node is, its address, and how it came up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from accounts.keys import public_keys
from accounts.refusals import Refused
from jobs.access import connection_info
from jobs.context import boot_line_store, cluster_plan, context_report
from jobs.models import BootLine, Cluster, Node
from jobs.node_contract.boot_lines import BootStreamLine
from jobs.views import badges
from jobs.views.boot_phases import PhaseCell, current_phase, phase_cells


@dataclass(frozen=True)
class NodeRow:
    """One node. `now` is the phase it is in or failed in, if any; `last` is the text of its last boot line."""

    name: str
    role: str
    core_type: str
    cores: int
    endpoint: str
    badge: badges.Badge
    reason: str
    provides: tuple[str, ...]
    is_up: bool
    ssh_command: str
    fingerprints: list[str]
    registered_at: datetime | None
    verified_at: datetime | None
    host_key_alarm_at: datetime | None
    host_key_shown: str
    outcome: str
    heard: int
    phases: list[PhaseCell]
    now: PhaseCell | None
    last: str


def node_rows_of(cluster: Cluster | None) -> list[NodeRow]:
    """Return a row for each node. The number of queries does not depend on the number of nodes."""
    if cluster is None:
        return []
    marked, last = _marked_lines(cluster), _last_lines(cluster)
    provides = {member.name: member.provides for member in cluster_plan.plan_of(cluster).members}
    return [
        _row(node, marked.get(node.pk, []), last.get(node.pk), provides.get(node.name, ()))
        for node in cluster.nodes.select_related("core_type")
    ]


def up_count(rows: Sequence[NodeRow]) -> int:
    """Return how many nodes are up and reported no error."""
    return sum(row.is_up and row.outcome != "error" for row in rows)


def _marked_lines(cluster: Cluster) -> dict[int, list[BootStreamLine]]:
    found: dict[int, list[BootStreamLine]] = {}
    for row in BootLine.objects.filter(node__cluster=cluster).exclude(mark="").order_by("sequence"):
        found.setdefault(row.node_id, []).append(boot_line_store.line_of_row(row))
    return found


def _last_lines(cluster: Cluster) -> dict[int, BootStreamLine]:
    rows = BootLine.objects.filter(node__cluster=cluster, sequence=F("node__heard"))
    return {row.node_id: boot_line_store.line_of_row(row) for row in rows}


def _row(
    node: Node, marked: list[BootStreamLine], last: BootStreamLine | None, provides: tuple[str, ...]
) -> NodeRow:
    phases = phase_cells(marked) if node.heard else []
    return NodeRow(
        name=node.name,
        role=node.role,
        core_type=node.core_type.name,
        cores=node.cores,
        endpoint=_endpoint(node),
        badge=badges.node_badge(node),
        reason="" if node.report_outcome == "error" else node.reason,
        provides=provides,
        is_up=node.is_up,
        ssh_command=connection_info.ssh_command(node),
        fingerprints=[text for text in map(_fingerprint, node.host_keys) if text],
        registered_at=node.registered_at,
        verified_at=node.verified_at,
        host_key_alarm_at=node.host_key_alarm_at,
        host_key_shown=node.host_key_shown,
        outcome=node.report_outcome,
        heard=node.heard,
        phases=phases,
        now=current_phase(phases),
        last=context_report.last_text([last] if last else []),
    )


def _endpoint(node: Node) -> str:
    """Return `address:port`, with an IPv6 address in brackets; empty while the node has no address."""
    if not node.address:
        return ""
    host = f"[{node.address}]" if ":" in node.address else node.address
    return f"{host}:{node.port}" if node.port else host


def _fingerprint(host_key_line: str) -> str:
    """Return `ssh-ed25519 SHA256:...`; empty for a line that is not a public key."""
    try:
        key = public_keys.parse(" ".join(host_key_line.split()[:2]))
    except Refused:
        return ""
    return f"{key.type} {key.fingerprint}"
