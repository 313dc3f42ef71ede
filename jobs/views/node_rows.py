"""The nodes table of the job page: each node with what it is, where it is, and how it came up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.keys import public_keys
from accounts.refusals import Refused
from jobs.access import connection_info
from jobs.context import node_context, report, reporting
from jobs.context.plan import Phase
from jobs.context.stream import Line, PhaseRun, phases_of
from jobs.models import BootLine, Cluster, Node
from jobs.views import badges
from jobs.views.stages import duration_text

PHASE_NAMES = {
    Phase.HOSTS: gettext_noop("Hosts"),
    Phase.PEERS: gettext_noop("Peers"),
    Phase.THIS_HOST: gettext_noop("This host"),
    Phase.DATA: gettext_noop("Data"),
    Phase.FINALIZE: gettext_noop("Finalize"),
}
STATE_NAMES = {
    "ahead": gettext_noop("not yet"),
    "running": gettext_noop("running"),
    "waiting": gettext_noop("waiting"),
    "ok": gettext_noop("done"),
    "error": gettext_noop("failed"),
}
GOING_ON = ("running", "waiting")


@dataclass(frozen=True)
class PhaseCell:
    """One phase as people read it. `took` is empty while it lasts; `since` is set while it does."""

    name: str
    state: str
    state_name: str
    took: str
    since: datetime | None
    said: str


@dataclass(frozen=True)
class NodeRow:
    """One node. `now` is the phase it is in or failed in, if any; `last` the last thing it said."""

    name: str
    role: str
    core_type: str
    cores: int
    place: str
    chip: badges.Chip
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


def rows_of(cluster: Cluster | None) -> list[NodeRow]:
    """All nodes of a cluster, in few queries however many there are."""
    if cluster is None:
        return []
    marked: dict[int, list[Line]] = {}
    for row in BootLine.objects.filter(node__cluster=cluster).exclude(mark="").order_by("sequence"):
        marked.setdefault(row.node_id, []).append(reporting.line_of(row))
    last = {
        row.node_id: reporting.line_of(row)
        for row in BootLine.objects.filter(node__cluster=cluster, sequence=F("node__heard"))
    }
    provides = {member.name: member.provides for member in node_context.plan_of(cluster).members}
    return [
        _row(
            node,
            marked.get(node.pk, []),
            [last[node.pk]] if node.pk in last else [],
            provides.get(node.name, ()),
        )
        for node in cluster.nodes.select_related("core_type")
    ]


def up_count(rows: Sequence[NodeRow]) -> int:
    """How many nodes are up and what they should be."""
    return sum(row.is_up and row.outcome != "error" for row in rows)


def short_duration(span: timedelta) -> str:
    """40 ms, 3.2 s, and from ten seconds on as everywhere."""
    seconds = span.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 10 else duration_text(span)


def _row(node: Node, marked: list[Line], last: list[Line], provides: tuple[str, ...]) -> NodeRow:
    place = ""
    if node.address:
        host = f"[{node.address}]" if ":" in node.address else node.address
        place = f"{host}:{node.port}" if node.port else host
    phases = [_cell(run) for run in phases_of(marked)] if node.heard else []
    current = [cell for cell in phases if cell.state in GOING_ON or cell.state == "error"]
    return NodeRow(
        name=node.name,
        role=node.role,
        core_type=node.core_type.name,
        cores=node.cores,
        place=place,
        chip=_chip(node),
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
        now=current[-1] if current else None,
        last=report.last_text(last),
    )


def _chip(node: Node) -> badges.Chip:
    if node.left_out:
        return badges.Chip(_("Left out"), "bad")
    if node.report_outcome == "error" and node.state == Node.State.RUNNING:
        return badges.Chip(_("Not ready"), "bad")
    return badges.node_chip(node.state, node.is_up)


def _cell(run: PhaseRun) -> PhaseCell:
    return PhaseCell(
        name=_(PHASE_NAMES[run.phase]),
        state=run.state,
        state_name=_(STATE_NAMES[run.state]),
        took=short_duration(run.took) if run.took is not None else "",
        since=run.started_at if run.state in GOING_ON else None,
        said=run.said,
    )


def _fingerprint(line: str) -> str:
    try:
        key = public_keys.parse(" ".join(line.split()[:2]))
    except Refused:
        return ""
    return f"{key.type} {key.fingerprint}"
