"""Build what a user needs to connect to a node: the Job Log's line, the ssh command, the known_hosts lines."""

from datetime import UTC, datetime

from django.conf import settings

from jobs.access import quoting
from jobs.models import Cluster, Node
from jobs.states import ENDING, Observed, accepts_logins


def connection_message(node: Node) -> str:
    """Return the line that the Job Log gets when the head node is ready."""
    job = node.cluster.job
    return quoting.connection_message(job.username, _address(node), _port(node), job.work_directory)


def ssh_command(node: Node) -> str:
    """Return a complete, quoted ssh command; empty while the node has no address or its host key alarm is raised."""
    if not node.address or not node.port or node.host_key_alarm_at is not None:
        return ""
    return quoting.ssh_command(node.cluster.job.username, node.address, node.port)


def why_no_command(cluster: Cluster | None, has_key: bool) -> str:
    """Return why "Copy SSH command" is disabled, as a sentence; empty when it is enabled."""
    if cluster is None:
        return "Submit the job first: it has no cluster yet."
    if cluster.observed_state in ENDING:
        return "The cluster was terminated."
    if cluster.observed_state == Observed.HELD:
        if not any(node.is_up for node in cluster.nodes.filter(role=Node.Role.HEAD)):
            return "The head node did not come up. Other nodes may be up: see below."
    elif cluster.failure:
        return "The cluster did not come up."
    if not accepts_logins(Observed(cluster.observed_state)):
        return "The cluster is not ready yet. The command appears as soon as it is."
    if cluster.nodes.filter(role=Node.Role.HEAD, host_key_alarm_at__isnull=False).exists():
        return "The head node showed another host key than it reported. Do not log in to it."
    if not has_key:
        return "The command appears here as soon as you have an SSH key."
    return ""


def node_alias(node: Node) -> str:
    """Return the stable name of a node, for HostKeyAlias and host certificates."""
    suffix = "" if node.role == Node.Role.HEAD else f"-{node.name}"
    return f"job-{node.cluster.job_id.lower()}{suffix}.{settings.HEADNODE_NAME}"


def provenance(node: Node) -> str:
    """Return where the portal has the node's host keys from, as a sentence; empty before the node registered."""
    if node.registered_at is None:
        return ""
    text = f"Reported by the node at {_utc_text(node.registered_at)} through its one-time token"
    if node.verified_at is None:
        return f"{text}; the portal has not logged in with it yet."
    return f"{text}; the portal logged in with it at {_utc_text(node.verified_at)}."


def known_hosts_lines(cluster: Cluster) -> list[str]:
    """Return the known_hosts lines of every trusted node, for its alias and its address (sshd(8)).

    Trusted: the portal has logged in with the key that it reported, and it has shown no other one since.
    """
    lines = []
    for node in cluster.nodes.filter(verified_at__isnull=False, host_key_alarm_at__isnull=True):
        if not node.address or not node.port:
            continue
        names = ",".join([node_alias(node), quoting.known_hosts_name(node.address, node.port)])
        lines += [f"{names} {_without_comment(key)}" for key in node.host_keys]
    return lines


def _without_comment(key: str) -> str:
    return " ".join(key.split()[:2])


def _utc_text(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _address(node: Node) -> str:
    if node.address is None:
        raise ValueError(f"{node} has no address yet")
    return node.address


def _port(node: Node) -> int:
    if node.port is None:
        raise ValueError(f"{node} has no port yet")
    return node.port
