"""Build the connect guide: every command for a job's node, with titles. For the Connect dialog and the REST API."""

from dataclasses import dataclass, replace
from typing import Any

from accounts.refusals import Refused
from jobs.access import connect_commands, connect_labels, connection_info, node_access, refusals
from jobs.access.refusals import AccessRefusal
from jobs.models import Cluster, Job, Node
from jobs.states import ENDING, Observed, accepts_logins
from sshgateway.ssh import host_keys

JUMP, DIRECT = "jump", "direct"
DEFAULT_PORT = 8888


@dataclass(frozen=True)
class ConnectRequest:
    """What the user chose, as they typed it. `way` is `jump` (through the head node) or `direct`."""

    node: str = "head"
    way: str = JUMP
    local_port: str = str(DEFAULT_PORT)
    node_port: str = str(DEFAULT_PORT)


@dataclass(frozen=True)
class ConnectGuide:
    """Every command for one node. `nodes` are those that can be connected to; `tabs` is what the REST API returns."""

    node: Node
    nodes: list[Node]
    way: str
    local_port: int
    node_port: int
    tabs: list[dict[str, Any]]


def connect_guide_of(job: Job, asked: ConnectRequest) -> ConnectGuide:
    """Return every command for the node that was asked for.

    Raises Refused: `bad_port`, `bad_way`; `not_found` (404); `cluster_gone`, `not_ready` (409);
    `host_key_changed` (403).
    """
    local_port = _port(asked.local_port, "local_port")
    node_port = _port(asked.node_port, "node_port")
    if asked.way not in (JUMP, DIRECT):
        raise Refused(
            AccessRefusal.BAD_WAY, "The way is `jump`, through the head node, or `direct`.", field="way"
        )
    nodes = _nodes_of(job)
    node = _reachable_node(nodes, asked.node)
    head = next(node for node in nodes if node.role == Node.Role.HEAD)
    is_jump = asked.way == JUMP and node.role != Node.Role.HEAD
    if is_jump and not _is_reachable(head):
        raise Refused(
            AccessRefusal.NOT_READY, "The head node is not open: choose the direct way.", status=409
        )
    direct = _endpoint_of(node)
    endpoint = replace(direct, address=node.name, head=_endpoint_of(head)) if is_jump else direct
    return ConnectGuide(
        node=node,
        nodes=[node for node in nodes if _is_reachable(node)],
        way=asked.way,
        local_port=local_port,
        node_port=node_port,
        tabs=_tabs(connect_commands.connect_commands_for(endpoint, direct, local_port, node_port)),
    )


def known_hosts_file(job: Job) -> str:
    """Return the file name of the job's known_hosts lines when they are downloaded."""
    return f"known_hosts-{job.pk}.txt"


def _reachable_node(nodes: list[Node], name: str) -> Node:
    node = next((node for node in nodes if node.name == name), None)
    if node is None:
        raise refusals.no_such_node()
    if not _is_reachable(node):
        node_access.node_target(node)  # raises Refused with the cause, if it knows one
        raise refusals.node_not_ready(node.name)
    return node


def _tabs(found: list[connect_commands.ConnectCommand]) -> list[dict[str, Any]]:
    return [
        {
            "id": tab,
            "title": connect_labels.TAB_LABELS[tab].title,
            "line": connect_labels.TAB_LABELS[tab].explanation,
            "commands": [_labelled(command) for command in found if command.tab == tab],
        }
        for tab in connect_commands.TABS
    ]


def _labelled(command: connect_commands.ConnectCommand) -> dict[str, Any]:
    label = connect_labels.COMMAND_LABELS[command.id]
    templates = command.field_templates or ("",) * len(command.fields)
    fields = [
        {"id": name, "label": connect_labels.FIELD_LABELS[name], "value": value, "template": template}
        for (name, value), template in zip(command.fields, templates, strict=True)
    ]
    return {
        "id": command.id,
        "title": label.title,
        "line": label.explanation,
        "text": command.text,
        "template": command.template,
        "fields": fields,
    }


def _nodes_of(job: Job) -> list[Node]:
    """Return the cluster's nodes, the head first. Raises Refused unless users can log in to the cluster."""
    cluster = Cluster.objects.select_related("job").filter(job=job).first()
    if cluster is None:
        raise refusals.not_submitted(AccessRefusal.NO_CLUSTER, 404)
    if cluster.observed_state in ENDING:
        raise refusals.cluster_gone()
    failed = cluster.failure and cluster.observed_state != Observed.HELD
    if failed or not accepts_logins(Observed(cluster.observed_state)):
        raise Refused(
            AccessRefusal.NOT_READY, "The cluster is not ready yet. Ask again when it is.", status=409
        )
    nodes = list(cluster.nodes.all())
    for node in nodes:
        node.cluster = cluster
    return sorted(nodes, key=lambda node: node.role != Node.Role.HEAD)


def _is_reachable(node: Node) -> bool:
    return bool(node.is_up and node.address and node.port and node.host_key_alarm_at is None)


def _endpoint_of(node: Node) -> connect_commands.SSHEndpoint:
    job = node.cluster.job
    if node.address is None or node.port is None:
        raise ValueError(f"{node} has no address yet")
    return connect_commands.SSHEndpoint(
        username=job.username,
        address=node.address,
        port=node.port,
        alias=connection_info.node_alias(node),
        fingerprints=tuple(host_keys.fingerprint(line) for line in node.host_keys),
        known_hosts_file=known_hosts_file(job),
        work_directory=job.work_directory,
    )


def _port(text: str, field: str) -> int:
    number = connect_commands.port_number(text)
    if number is None:
        raise Refused(AccessRefusal.BAD_PORT, str(connect_labels.PORT_SENTENCE), field=field)
    return number
