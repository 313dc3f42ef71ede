"""The ways to a job's nodes, in people's words. What the Connect dialog shows and the REST API answers."""

from dataclasses import dataclass, replace
from typing import Any

from accounts.refusals import Refused
from jobs.access import connect_commands, connect_labels, connection_info, node_access
from jobs.models import Cluster, Job, Node
from jobs.states import Observed, accepts_logins
from sshgateway.ssh import host_keys

JUMP, DIRECT = "jump", "direct"
DEFAULT_PORT = 8888


@dataclass(frozen=True)
class Asked:
    """What a person chose, as they typed it."""

    node: str = "head"
    way: str = JUMP
    local_port: str = str(DEFAULT_PORT)
    node_port: str = str(DEFAULT_PORT)


@dataclass(frozen=True)
class ConnectGuide:
    """Every way to one node; `nodes` are those there are ways to."""

    node: Node
    nodes: list[Node]
    way: str
    local_port: int
    node_port: int
    tabs: list[dict[str, Any]]


def connect_guide_of(job: Job, asked: Asked) -> ConnectGuide:
    """Every way to the node that was asked for.

    Raises Refused: `bad_port`, `bad_way`; `not_found` (404); `cluster_gone`, `not_ready` (409);
    `host_key_changed` (403).
    """
    local_port = _port(asked.local_port, "local_port")
    node_port = _port(asked.node_port, "node_port")
    if asked.way not in (JUMP, DIRECT):
        raise Refused("bad_way", "The way is `jump`, through the head node, or `direct`.", field="way")
    nodes = _nodes_of(job)
    node = next((node for node in nodes if node.name == asked.node), None)
    if node is None:
        raise Refused("not_found", "The cluster has no node of that name.", field="node", status=404)
    if not _is_open(node):
        node_access.node_target(node)  # says what is wrong with it
        raise Refused("not_ready", f"{node.name} is not ready yet.", status=409)
    head = next(node for node in nodes if node.role == Node.Role.HEAD)
    is_jump = asked.way == JUMP and node.role != Node.Role.HEAD
    if is_jump and not _is_open(head):
        raise Refused("not_ready", "The head node is not open: choose the direct way.", status=409)
    direct = _place(node)
    place = replace(direct, address=node.name, head=_place(head)) if is_jump else direct
    return ConnectGuide(
        node=node,
        nodes=[node for node in nodes if _is_open(node)],
        way=asked.way,
        local_port=local_port,
        node_port=node_port,
        tabs=_tabs(connect_commands.connect_commands_for(place, direct, local_port, node_port)),
    )


def known_hosts_file(job: Job) -> str:
    """What the job's known_hosts lines are called when they are saved."""
    return f"known_hosts-{job.pk}.txt"


def _tabs(found: list[connect_commands.ConnectCommand]) -> list[dict[str, Any]]:
    return [
        {
            "id": tab,
            "title": connect_labels.TABS[tab].title,
            "line": connect_labels.TABS[tab].line,
            "recipes": [_in_words(recipe) for recipe in found if recipe.tab == tab],
        }
        for tab in connect_commands.TABS
    ]


def _in_words(recipe: connect_commands.ConnectCommand) -> dict[str, Any]:
    words = connect_labels.RECIPES[recipe.id]
    templates = recipe.field_templates or ("",) * len(recipe.fields)
    fields = [
        {"id": name, "label": connect_labels.FIELDS[name], "value": value, "template": template}
        for (name, value), template in zip(recipe.fields, templates, strict=True)
    ]
    return {
        "id": recipe.id,
        "title": words.title,
        "line": words.line,
        "text": recipe.text,
        "template": recipe.template,
        "fields": fields,
    }


def _nodes_of(job: Job) -> list[Node]:
    """The cluster's nodes, the head first. Raises Refused unless one can log in to the cluster."""
    cluster = Cluster.objects.select_related("job").filter(job=job).first()
    if cluster is None:
        raise Refused("no_cluster", "The job was not submitted: it has no cluster yet.", status=404)
    if cluster.observed_state in (Observed.RELEASING, Observed.RELEASED):
        raise Refused("cluster_gone", "The cluster has ended: there is no machine to open.", status=409)
    failed = cluster.failure and cluster.observed_state != Observed.HELD
    if failed or not accepts_logins(Observed(cluster.observed_state)):
        raise Refused("not_ready", "The cluster is not ready yet. Ask again when it is.", status=409)
    nodes = list(cluster.nodes.all())
    for node in nodes:
        node.cluster = cluster
    return sorted(nodes, key=lambda node: node.role != Node.Role.HEAD)


def _is_open(node: Node) -> bool:
    return bool(node.is_up and node.address and node.port and node.host_key_alarm_at is None)


def _place(node: Node) -> connect_commands.SSHEndpoint:
    job = node.cluster.job
    if node.address is None or node.port is None:
        raise ValueError(f"{node} has no address yet")
    return connect_commands.SSHEndpoint(
        username=job.username,
        address=node.address,
        port=node.port,
        alias=connection_info.alias(node),
        fingerprints=tuple(host_keys.fingerprint(line) for line in node.host_keys),
        known_hosts_file=known_hosts_file(job),
        work_directory=job.work_directory,
    )


def _port(text: str, field: str) -> int:
    number = connect_commands.port_number(text)
    if number is None:
        raise Refused("bad_port", str(connect_labels.PORT_SENTENCE), field=field)
    return number
