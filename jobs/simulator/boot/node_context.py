"""What a node is told about its part, read and checked, and the plain files it becomes. Pure, no input or output.

The files, below $HEADNODE_CONTEXT (docs/context.md):
    member, role, provides, requires   who this node is, one word per line
    members                            all members: name, role, core type, cores, roles; tabs between
    hosts, known_hosts                 all members as /etc/hosts and ssh_known_hosts have them
    roles/ROLE/names, hosts, known_hosts   the members that provide a role this one requires
    data/NAME                          the launch's data
    scripts/PHASE                      this member's scripts
    ready                              there once every phase is done
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.simulator.sandbox.etc_files import Host
from jobs.simulator.spec import NODE_NAME, Refused, read_lines

PHASES = ("hosts", "peers", "this_host", "data", "finalize")
USUAL_SECONDS = 120
LONGEST_TEXT = 1 << 20
MOST = 256


@dataclass(frozen=True)
class PhaseSpec:
    """One phase: how long it may take, and this member's script for it, if it has one."""

    name: str
    timeout_seconds: int = USUAL_SECONDS
    script: str = ""


@dataclass(frozen=True)
class Peer:
    """A member that provides what this one requires, as the broker knows it."""

    name: str
    address: str
    host_keys: tuple[str, ...]


@dataclass(frozen=True)
class Peers:
    """The answer to who provides what: all of them, or who is waited for, or who is lost."""

    roles: Mapping[str, Sequence[Peer]] | None
    absent: Mapping[str, Sequence[str]]
    is_lost: bool = False
    ask_again_seconds: float = 1.0


@dataclass(frozen=True)
class NodePlan:
    """A node's part. Without one in the broker's answer: every phase, none with a script."""

    provides: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    phases: tuple[PhaseSpec, ...] = tuple(PhaseSpec(name) for name in PHASES)
    data: Mapping[str, str] | None = None
    members: tuple[tuple[str, ...], ...] = ()
    stays: bool = False  # a node that failed stays up, for its owner to look into it
    peers: Peers = Peers({}, {})


def read_plan(document: Mapping[str, Any]) -> NodePlan:
    """The part of the broker's answer that says what this node is to do. Raises Refused."""
    member = _object(document.get("member", {}), "member")
    phases = {phase.name: phase for phase in map(_phase, _list(document.get("phases", []), "phases"))}
    data = _object(document.get("data", {}), "data")
    return NodePlan(
        provides=_names(member.get("provides", []), "provides"),
        requires=_names(member.get("requires", []), "requires"),
        phases=tuple(phases.get(name, PhaseSpec(name)) for name in PHASES),
        data={_name(name): _text(text, "data") for name, text in data.items()},
        members=tuple(map(_member, _list(document.get("members", []), "members"))),
        stays=document.get("on_error") == "stay",
        peers=read_peers(document.get("peers", {"roles": {}})),
    )


def read_peers(value: Any) -> Peers:
    """Who provides what this node requires. Raises Refused."""
    document = _object(value, "peers")
    seconds = document.get("ask_again_seconds", 1.0)
    if not isinstance(seconds, (int, float)) or not 0 < seconds <= 60:
        seconds = 1.0
    for key, is_lost in (("waiting_for", False), ("lost", True)):
        if key in document:
            absent = _object(document[key], key)
            named = {_name(role): _names(names, role) for role, names in absent.items()}
            return Peers(None, named, is_lost, float(seconds))
    roles = _object(document.get("roles"), "roles")
    return Peers({_name(role): tuple(map(_peer, _list(peers, role))) for role, peers in roles.items()}, {})


def own_files(name: str, role: str, plan: NodePlan) -> dict[str, str]:
    """Who this node is."""
    return {
        "member": f"{name}\n",
        "role": f"{role}\n",
        "provides": lines_of(plan.provides),
        "requires": lines_of(plan.requires),
    }


def host_files(plan: NodePlan, hosts: Sequence[Host]) -> dict[str, str]:
    """Every member, as lists and as the system's own files have them."""
    return {
        "members": lines_of("\t".join(member) for member in plan.members),
        "hosts": hosts_text(hosts),
        "known_hosts": known_hosts_text(hosts),
    }


def role_files(roles: Mapping[str, Sequence[Peer]], hosts: Mapping[str, Host]) -> dict[str, str]:
    """For each role the members that provide it."""
    files = {}
    for role, peers in roles.items():
        found = [hosts[peer.name] for peer in peers]
        files[f"roles/{role}/names"] = lines_of(host.name for host in found)
        files[f"roles/{role}/hosts"] = hosts_text(found)
        files[f"roles/{role}/known_hosts"] = known_hosts_text(found)
    return files


def data_files(plan: NodePlan) -> dict[str, str]:
    """The launch's data."""
    return {f"data/{name}": text for name, text in (plan.data or {}).items()}


def contradictions(peers: Sequence[Peer], hosts: Mapping[str, Host]) -> list[str]:
    """Where the broker and this cluster's own network do not say the same of a member, as sentences."""
    wrong = []
    for peer in peers:
        host = hosts.get(peer.name)
        if host is None:
            wrong.append(f"The broker names {peer.name}, which is not in this cluster.")
        elif peer.address != host.address:
            wrong.append(
                f"The broker has {peer.name} at {peer.address}; in this cluster it is at {host.address}."
            )
        elif " ".join(host.host_key.split()[:2]) not in peer.host_keys:
            wrong.append(f"The broker has another host key of {peer.name} than this cluster.")
    return wrong


def lines_of(words: Any) -> str:
    """One word per line."""
    return "".join(f"{word}\n" for word in words)


def hosts_text(hosts: Sequence[Host]) -> str:
    """As /etc/hosts has them."""
    return "".join(f"{host.address}\t{host.hostname} {host.name}\n" for host in hosts)


def known_hosts_text(hosts: Sequence[Host]) -> str:
    """As ssh_known_hosts has them."""
    return "".join(f"{host.hostname},{host.name},{host.address} {host.host_key}\n" for host in hosts)


def _phase(value: Any) -> PhaseSpec:
    document = _object(value, "phase")
    seconds = document.get("timeout_seconds", USUAL_SECONDS)
    if document.get("name") not in PHASES:
        raise Refused("invalid_phase", f"There is no phase {document.get('name')!r}.")
    if not isinstance(seconds, int) or not 0 < seconds <= 86_400:
        raise Refused("invalid_phase", "'timeout_seconds' must be a number of seconds.")
    return PhaseSpec(document["name"], seconds, _text(document.get("script", ""), "script"))


def _member(value: Any) -> tuple[str, ...]:
    document = _object(value, "member")
    roles = ",".join(_names(document.get("provides", []), "provides"))
    words = [str(document.get(key, ""))[:64] for key in ("name", "role", "core_type", "cores")]
    if not all(word.isprintable() for word in words):
        raise Refused("invalid_members", "A member is described in printable characters.")
    return (*words, roles)


def _peer(value: Any) -> Peer:
    document = _object(value, "peer")
    name = document.get("name")
    if not isinstance(name, str) or not NODE_NAME.fullmatch(name):
        raise Refused("invalid_peer", f"{name!r} cannot name a node.")
    return Peer(name, str(document.get("address"))[:64], read_lines(document, "host_keys"))


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or len(value) > MOST:
        raise Refused("invalid_" + what, f"{what!r} must be a JSON object.")
    return value


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list) or len(value) > MOST:
        raise Refused("invalid_" + what, f"{what!r} must be a list of at most {MOST}.")
    return value


def _names(value: Any, what: str) -> tuple[str, ...]:
    return tuple(map(_name, _list(value, what)))


def _name(value: Any) -> str:
    """A word that may become a file's name: never a path."""
    good = isinstance(value, str) and 0 < len(value) <= 64 and value[0] not in ".-"
    if not good or not all(letter.isascii() and (letter.isalnum() or letter in "._-") for letter in value):
        raise Refused("invalid_name", f"{value!r} cannot be the name of a file.")
    return str(value)


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise Refused("invalid_" + what, f"{what!r} must be a text of at most {LONGEST_TEXT} characters.")
    return value
