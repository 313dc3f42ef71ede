"""The answer to `peers`: who provides what a node requires, and how that is checked against the cluster's network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from jobs.node_contract.context_files import Host
from jobs.node_contract.documents import (
    MAX_ITEMS,
    InvalidDocument,
    read_single_lines,
    require_list,
    require_object,
)
from jobs.node_contract.names import NODE_NAME, read_file_name, read_file_names

LONGEST_WAIT_SECONDS = 60


class PeerFields(TypedDict):
    """The JSON object of one peer."""

    name: str
    hostname: str
    address: str
    host_keys: list[str]


class PeersFields(TypedDict, total=False):
    """The JSON object that `read_peers` reads: `roles`, or `waiting_for` and `ask_again_seconds`, or `lost`."""

    roles: dict[str, list[PeerFields]]
    waiting_for: dict[str, list[str]]
    ask_again_seconds: float
    lost: dict[str, list[str]]


@dataclass(frozen=True)
class Peer:
    """A member that provides what a node requires, as the broker knows it."""

    name: str
    address: str
    host_keys: tuple[str, ...]


@dataclass(frozen=True)
class Peers:
    """Who provides each required role. `roles` is None while members in `absent` are waited for, or are lost."""

    roles: Mapping[str, Sequence[Peer]] | None
    absent: Mapping[str, Sequence[str]]
    is_lost: bool = False
    ask_again_seconds: float = 1.0

    def all_peers(self) -> list[Peer]:
        """Return the peers of all roles."""
        return [peer for peers in (self.roles or {}).values() for peer in peers]


def read_peers(value: Any) -> Peers:
    """Read an answer. Raises InvalidDocument."""
    document = require_object(value, "peers", MAX_ITEMS)
    seconds = document.get("ask_again_seconds", 1.0)
    if not isinstance(seconds, (int, float)) or not 0 < seconds <= LONGEST_WAIT_SECONDS:
        seconds = 1.0
    for key, is_lost in (("waiting_for", False), ("lost", True)):
        if key in document:
            absent = require_object(document[key], key, MAX_ITEMS)
            by_role = {read_file_name(role): read_file_names(names, role) for role, names in absent.items()}
            return Peers(None, by_role, is_lost, float(seconds))
    roles = require_object(document.get("roles"), "roles", MAX_ITEMS)
    found = {
        read_file_name(role): tuple(map(_read_peer, require_list(peers, role)))
        for role, peers in roles.items()
    }
    return Peers(found, {})


def _read_peer(value: Any) -> Peer:
    document = require_object(value, "peer", MAX_ITEMS)
    name = document.get("name")
    if not isinstance(name, str) or not NODE_NAME.fullmatch(name):
        raise InvalidDocument("invalid_peer", f"{name!r} cannot name a node.")
    return Peer(name, str(document.get("address"))[:64], read_single_lines(document, "host_keys"))


def contradictions(peers: Sequence[Peer], hosts: Mapping[str, Host]) -> list[str]:
    """Return, as sentences, where the broker and the cluster's own network disagree about a member."""
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
