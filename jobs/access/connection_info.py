"""How people get to a node: the log's line, the command to copy, the known_hosts lines."""

from datetime import UTC, datetime

from django.conf import settings

from jobs.access import quoting
from jobs.models import Cluster, Node
from jobs.states import Observed, accepts_logins


def connection_message(node: Node) -> str:
    """The one line the Job Log says when the head node is ready."""
    job = node.cluster.job
    return quoting.connection_message(job.username, _address(node), _port(node), job.work_directory)


def ssh_command(node: Node) -> str:
    """A complete, correctly quoted command for the node; empty while it has no address, or is not to be trusted."""
    if not node.address or not node.port or node.host_key_alarm_at is not None:
        return ""
    return quoting.ssh(node.cluster.job.username, node.address, node.port)


def why_no_command(cluster: Cluster | None, has_key: bool) -> str:
    """Why "Copy SSH command" is disabled, as a sentence; empty when it is not."""
    if cluster is None:
        return "Submit the job first: it has no cluster yet."
    if cluster.observed_state in (Observed.RELEASING, Observed.RELEASED):
        return "The cluster has ended."
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
        return "You have no SSH public key. Add one in Job Settings; until then, use the browser terminal."
    return ""


def alias(node: Node) -> str:
    """The stable name of a node, for HostKeyAlias and host certificates."""
    suffix = "" if node.role == Node.Role.HEAD else f"-{node.name}"
    return f"job-{node.cluster.job_id.lower()}{suffix}.{settings.HEADNODE_NAME}"


def provenance(node: Node) -> str:
    """Where the portal has a node's host keys from, as a sentence."""
    if node.registered_at is None:
        return ""
    text = f"Reported by the node at {_moment(node.registered_at)} through its one-time token"
    if node.verified_at is None:
        return f"{text}; the portal has not logged in with it yet."
    return f"{text}; the portal logged in with it at {_moment(node.verified_at)}."


def known_hosts_lines(cluster: Cluster) -> list[str]:
    """known_hosts lines of every node that reported its keys, in alias and address form (sshd(8))."""
    lines = []
    for node in cluster.nodes.all():
        if not node.address or not node.port:
            continue
        names = ",".join([alias(node), quoting.known_hosts_name(node.address, node.port)])
        lines += [f"{names} {_bare(key)}" for key in node.host_keys]
    return lines


def _bare(key: str) -> str:
    return " ".join(key.split()[:2])


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _address(node: Node) -> str:
    if node.address is None:
        raise ValueError(f"{node} has no address yet")
    return node.address


def _port(node: Node) -> int:
    if node.port is None:
        raise ValueError(f"{node} has no port yet")
    return node.port
