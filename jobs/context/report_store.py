"""Build the context report of a cluster from its rows, keep it in storage, and read it again.

It is stored once, before anything of the cluster is destroyed. After a kill between writing the file and saving its
name, it is written again at the same path.
"""

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from accounts.keys import public_keys
from accounts.refusals import Refused
from jobs.context.boot_line_store import line_of_row
from jobs.context.cluster_plan import policy_of
from jobs.context.context_report import ClusterReport, NodeReport
from jobs.models import BootLine, Cluster, Node
from jobs.node_contract.boot_lines import BootStreamLine
from jobs.storage.refusal_reasons import FileRefusal


def report_of(cluster: Cluster) -> ClusterReport:
    """Return the report as far as it is known now."""
    job = cluster.job
    lines: dict[int, list[BootStreamLine]] = {}
    for row in BootLine.objects.filter(node__cluster=cluster).order_by("node_id", "sequence"):
        lines.setdefault(row.node_id, []).append(line_of_row(row))
    return ClusterReport(
        job=job.pk,
        job_name=job.name,
        cluster=cluster.pk,
        status=cluster.status.value,
        failure=cluster.failure,
        policy=policy_of(cluster).as_json(),
        booting_at=cluster.booting_at,
        held_at=cluster.held_at,
        ready_at=cluster.ready_at,
        nodes=[_node_report(node, lines.get(node.pk, [])) for node in cluster.nodes.all()],
    )


def write_report(cluster: Cluster) -> str:
    """Store the report and return its path there, which is the same each time. Raises OSError."""
    path = f"context-reports/{cluster.pk[:2]}/{cluster.pk}.zip"
    content = report_of(cluster).as_zip()
    if default_storage.exists(path):
        # A kill while it was written leaves half a file.
        default_storage.delete(path)
    return default_storage.save(path, ContentFile(content))


def report_zip(cluster: Cluster) -> bytes:
    """Return the stored report as a zip; before it is stored, one of what is known now.

    Raises Refused (`file_missing`, 404) when storage has lost it.
    """
    if cluster.context_report:
        try:
            with default_storage.open(cluster.context_report) as file:
                return bytes(file.read())
        except OSError as error:
            raise Refused(
                FileRefusal.MISSING, "The report is not in storage any more.", status=404
            ) from error
    return report_of(cluster).as_zip()


def remove_report(path: str) -> None:
    """Delete a report from storage. An empty path means there is none."""
    if path:
        default_storage.delete(path)


def _node_report(node: Node, lines: list[BootStreamLine]) -> NodeReport:
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
