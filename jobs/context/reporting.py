"""The report of a cluster's contextualization: gathered from its rows, kept in storage, read again.

It is stored once, before anything of the cluster is destroyed. A kill between writing the file and saving its name is
made up for by writing it again in the same place.
"""

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from accounts.keys import public_keys
from accounts.refusals import Refused
from jobs.context import node_context
from jobs.context.report import ClusterReport, NodeReport
from jobs.context.stream import Line, Mark
from jobs.models import BootLine, Cluster, Node


def report_of(cluster: Cluster) -> ClusterReport:
    """What is known now."""
    job = cluster.job
    lines: dict[int, list[Line]] = {}
    for row in BootLine.objects.filter(node__cluster=cluster).order_by("node_id", "sequence"):
        lines.setdefault(row.node_id, []).append(line_of(row))
    return ClusterReport(
        job=job.pk,
        job_name=job.name,
        cluster=cluster.pk,
        status=cluster.status.value,
        failure=cluster.failure,
        policy=node_context.policy_of(cluster).as_json(),
        booting_at=cluster.booting_at,
        held_at=cluster.held_at,
        ready_at=cluster.ready_at,
        nodes=[_node(node, lines.get(node.pk, [])) for node in cluster.nodes.all()],
    )


def line_of(row: BootLine) -> Line:
    """A row of the boot stream as what it was."""
    return Line(row.sequence, row.at, row.phase, Mark(row.mark), row.text)


def write_report(cluster: Cluster) -> str:
    """Put the report into storage and answer its place there; the same place each time. Raises OSError."""
    place = f"context-reports/{cluster.pk[:2]}/{cluster.pk}.zip"
    content = report_of(cluster).as_zip()
    if default_storage.exists(place):
        # A kill in the middle of writing leaves half a file.
        default_storage.delete(place)
    return default_storage.save(place, ContentFile(content))


def bundle(cluster: Cluster) -> bytes:
    """The stored report; while there is none yet, what it would say now."""
    if cluster.context_report:
        try:
            with default_storage.open(cluster.context_report) as file:
                return bytes(file.read())
        except OSError as error:
            raise Refused("file_missing", "The report is not in storage any more.", status=404) from error
    return report_of(cluster).as_zip()


def remove_report(place: str) -> None:
    """Take a report out of storage."""
    if place:
        default_storage.delete(place)


def _node(node: Node, lines: list[Line]) -> NodeReport:
    return NodeReport(
        name=node.name,
        role=node.role,
        core_type=node.core_type_id,
        cores=node.cores,
        state=node.state,
        reason=node.reason,
        outcome=node.report_outcome,
        address=node.address or "",
        port=node.port,
        hostname=node.hostname,
        fingerprints=[public_keys.parse(key).fingerprint for key in node.host_keys],
        registered_at=node.registered_at,
        reported_at=node.reported_at,
        left_out=node.left_out,
        lines=lines,
        log=node.report_log,
    )
