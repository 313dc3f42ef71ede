"""Check what may be ordered of the simulator: a cluster and its nodes. Pure, no input or output.

A malformed document raises InvalidDocument, a well-formed request that is refused raises Refused, both with a stable
reason and a sentence.
"""

import re
from dataclasses import asdict, dataclass
from typing import Any

from jobs.node_contract.documents import (
    InvalidDocument,
    read_single_lines,
    require_number,
    require_object,
    require_printable,
)
from jobs.node_contract.names import NODE_NAME, RESERVED_NAMES

CLUSTER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
USERNAME = re.compile(r"[a-z_][a-z0-9_]{0,15}_[A-Za-z0-9]{1,15}|[a-z_][a-z0-9_-]{0,31}")
BROKER_URL = re.compile(r"https?://[^\s/?#]+/([^\s?#]*/)?")
MAX_NODES = 64


class RequestRefused(Exception):
    """A request that is not carried out: a word for programs, a sentence for people, the HTTP status."""

    def __init__(self, reason: str, message: str, status: int = 409) -> None:
        super().__init__(message)
        self.reason, self.message, self.status = reason, message, status


@dataclass(frozen=True)
class NodeSpec:
    """One node that is ordered."""

    name: str
    role: str
    core_type: str
    cores: int
    memory_mb: int
    ssh_port: int
    boot_seconds: float
    token: str


@dataclass(frozen=True)
class ClusterSpec:
    """A cluster that is ordered: who uses it, where its nodes phone home, which nodes."""

    id: str
    username: str
    home: str
    broker_url: str
    nodes: tuple[NodeSpec, ...]
    # The portal that ordered it, in its own words; listed, so that several portals can share a cloud.
    portal_id: str = ""
    # Where the nodes' programs call the portal's API; empty if they do not.
    api_url: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the document that `read_cluster` reads. The portal's id is its field `mark`."""
        document = asdict(self)
        document["mark"] = document.pop("portal_id")
        return document


def read_cluster(cluster_id: str, value: Any) -> ClusterSpec:
    """Read a whole order. It has one head node, names that differ, and the home that its username implies."""
    document = require_object(value, "cluster")
    if not CLUSTER_ID.fullmatch(cluster_id):
        raise InvalidDocument(
            "invalid_id", "A cluster's id is 1 to 32 letters, digits, hyphens or underscores."
        )
    username = require_printable(document, "username", 32)
    if not USERNAME.fullmatch(username) or username in RESERVED_NAMES:
        raise InvalidDocument("invalid_username", f"{username!r} cannot be a username on a node.")
    if document.get("home") != f"/enc/{username}":
        raise InvalidDocument("invalid_home", f"'home' must be /enc/{username}.")
    broker_url = require_printable(document, "broker_url", 512)
    if not BROKER_URL.fullmatch(broker_url):
        raise InvalidDocument(
            "invalid_broker_url", "'broker_url' must be an http or https address that ends in a slash."
        )
    portal_id = require_printable(document, "mark", 64) if document.get("mark") else ""
    nodes = _read_nodes(document.get("nodes"))
    api_url = require_printable(document, "api_url", 512) if document.get("api_url") else ""
    if api_url and not BROKER_URL.fullmatch(api_url):
        raise InvalidDocument(
            "invalid_api_url", "'api_url' must be an http or https address that ends in a slash."
        )
    return ClusterSpec(cluster_id, username, f"/enc/{username}", broker_url, nodes, portal_id, api_url)


def _read_nodes(value: Any) -> tuple[NodeSpec, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_NODES:
        raise InvalidDocument("invalid_nodes", f"'nodes' must be a list of 1 to {MAX_NODES} nodes.")
    nodes = tuple(map(_read_node, value))
    if len({node.name for node in nodes}) != len(nodes):
        raise InvalidDocument("invalid_nodes", "Two nodes have the same name.")
    if [node.role for node in nodes].count("head") != 1:
        raise InvalidDocument("invalid_nodes", "A cluster has exactly one node with the role 'head'.")
    return nodes


def _read_node(value: Any) -> NodeSpec:
    document = require_object(value, "node")
    name = require_printable(document, "name", 32)
    if not NODE_NAME.fullmatch(name) or name in RESERVED_NAMES:
        raise InvalidDocument(
            "invalid_name", f"{name!r} cannot name a node: use lower-case letters, digits and hyphens."
        )
    role = require_printable(document, "role", 16)
    if role not in ("head", "compute"):
        raise InvalidDocument("invalid_role", "'role' must be 'head' or 'compute'.")
    return NodeSpec(
        name=name,
        role=role,
        core_type=require_printable(document, "core_type", 64),
        cores=int(require_number(document, "cores", 1, 4096)),
        memory_mb=int(require_number(document, "memory_mb", 1, 1 << 26)),
        ssh_port=int(require_number(document, "ssh_port", 1, 65535)),
        boot_seconds=float(require_number(document, "boot_seconds", 0, 3600, whole=False)),
        token=require_printable(document, "token", 512),
    )


def read_certificates(value: Any) -> dict[str, tuple[str, ...]]:
    """Read host certificates by node name."""
    document = require_object(value, "host_certificates")
    by_name = require_object(document.get("host_certificates"), "host_certificates")
    return {
        str(name): read_single_lines({"host_certificates": lines}, "host_certificates")
        for name, lines in by_name.items()
    }
