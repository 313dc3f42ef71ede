"""What may be asked of the simulator, checked: pure, no input or output.

A document that is wrong raises `Refused` with a stable reason and a sentence; nothing half-read goes further.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

CLUSTER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
USERNAME = re.compile(r"[a-z_][a-z0-9_]{0,15}_[A-Za-z0-9]{1,15}|[a-z_][a-z0-9_-]{0,31}")
NODE_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}[a-z0-9]|[a-z]")
ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
RESERVED = frozenset({"root", "nobody", "localhost"})
MOST_NODES = 64


class Refused(Exception):
    """A request that is not done: a word for programs, a sentence for people, the HTTP status."""

    def __init__(self, reason: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.reason, self.message, self.status = reason, message, status


@dataclass(frozen=True)
class NodeSpec:
    """One machine that is wanted."""

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
    """A cluster that is wanted: who uses it, where its nodes phone home, which machines."""

    id: str
    username: str
    home: str
    broker_url: str
    nodes: tuple[NodeSpec, ...]
    # Who ordered it, in their words: shown in the list, so that several can share a cloud.
    mark: str = ""

    def as_json(self) -> dict[str, Any]:
        """The document this was read from."""
        return asdict(self)


@dataclass(frozen=True)
class Access:
    """Who may log in: public keys, rules on the source address, authorities of user certificates, gateways."""

    authorized_keys: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    user_authorities: tuple[str, ...] = ()
    gateway_addresses: tuple[str, ...] = ()
    # Why a key lets nobody in any more, by fingerprint: said to the sessions that end.
    withdrawn: tuple[tuple[str, str], ...] = ()
    # Of two documents the one with the higher number is the newer.
    version: int = 0

    def after(self, in_force: "Access") -> "Access":
        """What holds when this document arrives: a lower version came late and changes nothing.

        Of two with one version nobody can tell the newer, so keys and rules let in only whom both let in. Version 0
        is for documents that are not numbered.
        """
        if self.version < in_force.version:
            return in_force
        if self.version > in_force.version or self.version == 0:
            return self
        return replace(
            self,
            authorized_keys=tuple(key for key in self.authorized_keys if key in in_force.authorized_keys),
            rules=tuple(rule for rule in self.rules if rule in in_force.rules),
        )

    def as_json(self) -> dict[str, Any]:
        """The document this was read from."""
        return {
            "authorized_keys": list(self.authorized_keys),
            "rules": list(self.rules),
            "user_authorities": list(self.user_authorities),
            "gateway_addresses": list(self.gateway_addresses),
            "withdrawn": dict(self.withdrawn),
            "version": self.version,
        }


def _text(document: Mapping[str, Any], name: str, longest: int) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value or len(value) > longest or not value.isprintable():
        raise Refused("invalid_" + name, f"{name!r} must be a text of 1 to {longest} printable characters.")
    return value


def _number(document: Mapping[str, Any], name: str, least: float, most: float, whole: bool = True) -> float:
    value = document.get(name)
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
        raise Refused("invalid_" + name, f"{name!r} must be a number from {least:g} to {most:g}.")
    return value


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Refused("invalid_" + name, f"The {name} must be a JSON object.")
    return value


def read_node(value: Any) -> NodeSpec:
    """One node of a specification."""
    document = _mapping(value, "node")
    name = _text(document, "name", 32)
    if not NODE_NAME.fullmatch(name) or name in RESERVED:
        raise Refused(
            "invalid_name", f"{name!r} cannot name a node: use lower-case letters, digits and hyphens."
        )
    role = _text(document, "role", 16)
    if role not in ("head", "compute"):
        raise Refused("invalid_role", "'role' must be 'head' or 'compute'.")
    return NodeSpec(
        name=name,
        role=role,
        core_type=_text(document, "core_type", 64),
        cores=int(_number(document, "cores", 1, 4096)),
        memory_mb=int(_number(document, "memory_mb", 1, 1 << 26)),
        ssh_port=int(_number(document, "ssh_port", 1, 65535)),
        boot_seconds=float(_number(document, "boot_seconds", 0, 3600, whole=False)),
        token=_text(document, "token", 512),
    )


def read_cluster(cluster_id: str, value: Any) -> ClusterSpec:
    """A whole specification; one head node, names that differ, the home where the username says."""
    document = _mapping(value, "cluster")
    if not CLUSTER_ID.fullmatch(cluster_id):
        raise Refused("invalid_id", "A cluster's id is 1 to 32 letters, digits, hyphens or underscores.")
    username = _text(document, "username", 32)
    if not USERNAME.fullmatch(username) or username in RESERVED:
        raise Refused("invalid_username", f"{username!r} cannot be a username on a node.")
    if document.get("home") != f"/enc/{username}":
        raise Refused("invalid_home", f"'home' must be /enc/{username}.")
    broker_url = _text(document, "broker_url", 512)
    if not re.fullmatch(r"https?://[^\s/?#]+/([^\s?#]*/)?", broker_url):
        raise Refused(
            "invalid_broker_url", "'broker_url' must be an http or https address that ends in a slash."
        )
    nodes = document.get("nodes")
    if not isinstance(nodes, list) or not 1 <= len(nodes) <= MOST_NODES:
        raise Refused("invalid_nodes", f"'nodes' must be a list of 1 to {MOST_NODES} nodes.")
    read = tuple(read_node(node) for node in nodes)
    if len({node.name for node in read}) != len(read):
        raise Refused("invalid_nodes", "Two nodes have the same name.")
    if [node.role for node in read].count("head") != 1:
        raise Refused("invalid_nodes", "A cluster has exactly one node with the role 'head'.")
    mark = _text(document, "mark", 64) if document.get("mark") else ""
    return ClusterSpec(cluster_id, username, f"/enc/{username}", broker_url, read, mark)


def read_lines(document: Mapping[str, Any], name: str, longest: int = 20_000) -> tuple[str, ...]:
    """A list of single lines."""
    value = document.get(name, [])
    if not isinstance(value, list) or len(value) > 4096:
        raise Refused("invalid_" + name, f"{name!r} must be a list of at most 4096 texts.")
    for line in value:
        if not isinstance(line, str) or len(line) > longest or "\n" in line or "\r" in line or "\0" in line:
            raise Refused("invalid_" + name, f"Each of {name!r} must be one line of text.")
    return tuple(value)


def read_access(value: Any) -> Access:
    """Who may log in; a rule that is no network is refused, never ignored."""
    document = _mapping(value, "access")
    access = Access(
        read_lines(document, "authorized_keys"),
        read_lines(document, "rules", 64),
        read_lines(document, "user_authorities"),
        read_lines(document, "gateway_addresses", 64),
        _withdrawn(document),
        int(_number({"version": 0, **document}, "version", 0, 1 << 62)),
    )
    for rule in access.rules:
        network(rule)
    for address in access.gateway_addresses:
        network(address, "gateway_addresses")
    return access


def _withdrawn(document: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    value = _mapping(document.get("withdrawn", {}), "withdrawn")
    if len(value) > 4096 or not all(isinstance(word, str) and len(word) <= 40 for word in value.values()):
        raise Refused("invalid_withdrawn", "'withdrawn' must give one short word for each fingerprint.")
    return tuple((str(fingerprint)[:100], word) for fingerprint, word in value.items())


def network(text: str, name: str = "rules") -> Network:
    """A rule as a network; host bits are ignored as in `sshd`'s own matching."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise Refused(
            "invalid_" + name, f"{text!r} is not an address or a network such as 192.0.2.0/24."
        ) from None


def read_certificates(value: Any) -> dict[str, tuple[str, ...]]:
    """Host certificates by node name."""
    named = _mapping(_mapping(value, "host_certificates").get("host_certificates"), "host_certificates")
    return {
        str(name): read_lines({"host_certificates": lines}, "host_certificates")
        for name, lines in named.items()
    }


def read_environment(value: Any) -> dict[str, str]:
    """Variables for every program on the nodes."""
    document = _mapping(value, "environment")
    for name, text in document.items():
        if not ENVIRONMENT_NAME.fullmatch(str(name)) or not isinstance(text, str) or "\0" in text:
            raise Refused("invalid_environment", f"{name!r} cannot be an environment variable.")
    return dict(document)
