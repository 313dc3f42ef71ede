"""The answer to `register`: everything a node is told about its part in the cluster."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from jobs.node_contract.access_document import AccessDocument, read_access_document
from jobs.node_contract.documents import (
    MAX_ITEMS,
    InvalidDocument,
    read_single_lines,
    require_list,
    require_object,
)
from jobs.node_contract.names import read_file_name, read_file_names
from jobs.node_contract.peers import Peers, PeersFields, read_peers
from jobs.node_contract.phases import DEFAULT_PHASE_SECONDS, Phase

LONGEST_TEXT = 1 << 20
LONGEST_MOTD = 10_000
LONGEST_PHASE_SECONDS = 86_400
# What a node does after a phase failed: stay up, for its owner to look into it, or shut down.
STAY_ON_ERROR, HALT_ON_ERROR = "stay", "halt"
ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
NO_PEERS = Peers({}, {})


class OwnMemberFields(TypedDict):
    """The JSON object of the member that the node itself is."""

    name: str
    role: str
    provides: list[str]
    requires: list[str]


class MemberFields(TypedDict):
    """The JSON object of a member as every node of its cluster receives it."""

    name: str
    role: str
    core_type: str
    cores: int
    provides: list[str]


class PhaseFields(TypedDict):
    """The JSON object of a phase, with the node's script for it or an empty text."""

    name: str
    timeout_seconds: int
    script: str


class NodeContextFields(TypedDict):
    """The JSON object that `read_node_context` reads, but for the fields of the access document beside these."""

    username: str
    home: str
    host_certificates: list[str]
    environment: dict[str, str]
    motd: str
    member: OwnMemberFields
    phases: list[PhaseFields]
    data: dict[str, str]
    members: list[MemberFields]
    on_error: str
    peers: PeersFields


@dataclass(frozen=True)
class PhaseSpec:
    """One phase: how long it may take, and this member's script for it, if it has one."""

    name: Phase
    timeout_seconds: int = DEFAULT_PHASE_SECONDS
    script: str = ""


@dataclass(frozen=True)
class NodePlan:
    """A node's part. Without one in the broker's answer: every phase, none with a script."""

    provides: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    phases: tuple[PhaseSpec, ...] = tuple(PhaseSpec(phase) for phase in Phase)
    data: Mapping[str, str] | None = None
    # Each member's name, role, core type, cores, and roles it provides (with commas between).
    members: tuple[tuple[str, ...], ...] = ()
    stays_on_error: bool = False
    peers: Peers = NO_PEERS


@dataclass(frozen=True)
class NodeContext:
    """What the broker gives a node for its life."""

    access: AccessDocument
    environment: dict[str, str]
    host_certificates: tuple[str, ...]
    motd: str
    plan: NodePlan

    def own_part_as_json(self) -> dict[str, Any]:
        """Return what belongs to the node alone; the access document belongs to its cluster."""
        return {
            "environment": self.environment,
            "host_certificates": list(self.host_certificates),
            "motd": self.motd,
        }


def read_node_context(document: Mapping[str, Any], username: str) -> NodeContext:
    """Read the answer for a node of this user. Raises InvalidDocument."""
    if document.get("username") != username:
        raise InvalidDocument("invalid_context", "The context is for another user.")
    return NodeContext(
        read_access_document(document),
        read_environment(document.get("environment") or {}),
        read_single_lines(document, "host_certificates"),
        str(document.get("motd") or "")[:LONGEST_MOTD],
        read_plan(document),
    )


def read_plan(document: Mapping[str, Any]) -> NodePlan:
    """Read the part of the answer that says what this node is to do. Raises InvalidDocument."""
    member = require_object(document.get("member", {}), "member", MAX_ITEMS)
    phases = {
        phase.name: phase for phase in map(_read_phase, require_list(document.get("phases", []), "phases"))
    }
    data = require_object(document.get("data", {}), "data", MAX_ITEMS)
    return NodePlan(
        provides=read_file_names(member.get("provides", []), "provides"),
        requires=read_file_names(member.get("requires", []), "requires"),
        phases=tuple(phases.get(phase, PhaseSpec(phase)) for phase in Phase),
        data={read_file_name(name): _require_text(text, "data") for name, text in data.items()},
        members=tuple(map(_read_member, require_list(document.get("members", []), "members"))),
        stays_on_error=document.get("on_error") == STAY_ON_ERROR,
        peers=read_peers(document.get("peers", {"roles": {}})),
    )


def read_environment(value: Any) -> dict[str, str]:
    """Read the variables for every program on the nodes. Raises InvalidDocument."""
    document = require_object(value, "environment")
    for name, text in document.items():
        if not ENVIRONMENT_NAME.fullmatch(str(name)) or not isinstance(text, str) or "\0" in text:
            raise InvalidDocument("invalid_environment", f"{name!r} cannot be an environment variable.")
    return dict(document)


def _read_phase(value: Any) -> PhaseSpec:
    document = require_object(value, "phase", MAX_ITEMS)
    name, seconds = document.get("name"), document.get("timeout_seconds", DEFAULT_PHASE_SECONDS)
    if not isinstance(name, str) or name not in set(Phase):
        raise InvalidDocument("invalid_phase", f"There is no phase {name!r}.")
    if not isinstance(seconds, int) or not 0 < seconds <= LONGEST_PHASE_SECONDS:
        raise InvalidDocument("invalid_phase", "'timeout_seconds' must be a number of seconds.")
    return PhaseSpec(Phase(name), seconds, _require_text(document.get("script", ""), "script"))


def _read_member(value: Any) -> tuple[str, ...]:
    document = require_object(value, "member", MAX_ITEMS)
    roles = ",".join(read_file_names(document.get("provides", []), "provides"))
    fields = [str(document.get(key, ""))[:64] for key in ("name", "role", "core_type", "cores")]
    if not all(field.isprintable() for field in fields):
        raise InvalidDocument("invalid_members", "A member is described in printable characters.")
    return (*fields, roles)


def _require_text(value: Any, name: str) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise InvalidDocument(
            "invalid_" + name, f"{name!r} must be a text of at most {LONGEST_TEXT} characters."
        )
    return value
