"""Everything the job page shows about a job's state, gathered in one place for the page and its fragment."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import public_keys, source_address, standing
from accounts.models import User
from accounts.refusals import Refused
from jobs import access, connection, hardware, services
from jobs.models import Cluster, Job, Node
from jobs.states import Desired, Observed
from jobs.views import chips
from jobs.views.stages import duration_text, stages_of

ENDED = (Observed.RELEASING, Observed.RELEASED)


@dataclass(frozen=True)
class NodeRow:
    """One line of the nodes table."""

    name: str
    role: str
    core_type: str
    cores: int
    place: str
    chip: chips.Chip
    reason: str
    is_up: bool
    ssh_command: str
    fingerprints: list[str]
    registered_at: datetime | None
    verified_at: datetime | None
    host_key_alarm_at: datetime | None
    host_key_shown: str


def context(request: HttpRequest, person: User, job: Job) -> dict[str, Any]:
    """What the state fragment shows."""
    cluster = Cluster.objects.filter(job=job).first()
    nodes = [_node_row(node) for node in cluster.nodes.select_related("core_type")] if cluster else []
    address = source_address.of(request)
    return {
        "nav": "jobs",
        "job": job,
        "cluster": cluster,
        "job_chip": chips.job_chip(job),
        "cluster_chip": chips.cluster_chip(cluster),
        "outcome_chip": chips.outcome_chip(job),
        "stages": stages_of(job),
        "nodes": nodes,
        "head": next((node for node in nodes if node.role == Node.Role.HEAD), None),
        "why_no_command": connection.why_no_command(cluster, bool(standing.usable_keys(person))),
        "refused": _refusal(job.owner, address, cluster),
        "own_address": address,
        "can_submit": job.submitted_at is None,
        "can_terminate": _can_terminate(cluster),
        "can_delete": cluster is None or cluster.observed_state == Observed.RELEASED,
        "kept": _is_kept(job, cluster),
        "loss": what_is_lost(job),
        "walltime": duration_text(job.walltime),
        "hardware": hardware.of(job),
        "files": job.output_files.order_by("relative_path"),
        "snapshot": job.settings_snapshot,
        "settings_changes": services.settings_changes(job),
    }


def what_is_lost(job: Job) -> str:
    """The sentence the Terminate dialog says."""
    nodes = ngettext("The node shuts down", "All %(count)d nodes shut down", job.slots) % {"count": job.slots}
    if not job.command and job.completed_at is None:
        return _(
            "%(nodes)s. Open ssh connections and terminals end, with what runs in them. What is not in the work "
            "directory by then is lost."
        ) % {"nodes": nodes}
    if job.completed_at is None:
        return _(
            "%(nodes)s, and the command is ended if it is still running. Open ssh connections and terminals end. "
            "What is not among the output files by then is lost."
        ) % {"nodes": nodes}
    return _(
        "The head node shuts down. Open ssh connections and terminals end, and what was written on it since the "
        "output files were saved is lost."
    )


def _can_terminate(cluster: Cluster | None) -> bool:
    return (
        cluster is not None
        and cluster.desired_state == Desired.RUNNING
        and cluster.observed_state not in ENDED
    )


def _is_kept(job: Job, cluster: Cluster | None) -> bool:
    """Whether the command has ended and the head node stays, costing."""
    return job.completed_at is not None and _can_terminate(cluster)


def _refusal(owner: User, address: str, cluster: Cluster | None) -> Refused | None:
    """Why the person could not connect from where they are; asked only while there is something to reach."""
    if cluster is None or cluster.observed_state in ENDED:
        return None
    try:
        access.check_address(owner, address)
    except Refused as refused:
        return refused
    return None


def _node_row(node: Node) -> NodeRow:
    place = ""
    if node.address:
        host = f"[{node.address}]" if ":" in node.address else node.address
        place = f"{host}:{node.port}" if node.port else host
    return NodeRow(
        name=node.name,
        role=node.role,
        core_type=node.core_type.name,
        cores=node.cores,
        place=place,
        chip=chips.node_chip(node.state, node.is_up),
        reason=node.reason,
        is_up=node.is_up,
        ssh_command=connection.ssh_command(node),
        fingerprints=[text for text in map(_fingerprint, node.host_keys) if text],
        registered_at=node.registered_at,
        verified_at=node.verified_at,
        host_key_alarm_at=node.host_key_alarm_at,
        host_key_shown=node.host_key_shown,
    )


def _fingerprint(line: str) -> str:
    try:
        key = public_keys.parse(" ".join(line.split()[:2]))
    except Refused:
        return ""
    return f"{key.type} {key.fingerprint}"
