"""Read what the simulator's API answers: nodes, the list of clusters, login records. Pure."""

import ipaddress
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from jobs.providers import node_failures
from jobs.providers.base import (
    BillableNode,
    ListedCluster,
    LoginRecord,
    NodeUsage,
    ObservedNode,
    UnreadableAnswer,
    UnreadableList,
)

MAX_NAMED = 5


def read_nodes(cluster: Mapping[str, Any]) -> dict[str, ObservedNode]:
    """Return the nodes of a cluster's document by name. Raises UnreadableAnswer."""
    try:
        return {str(node["name"]): _observed_node(node) for node in cluster["nodes"]}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        text = f"The simulator's answer about a cluster cannot be read ({error!r})."
        raise UnreadableAnswer("unreadable_answer", text) from error


def read_usage(document: Mapping[str, Any]) -> Sequence[NodeUsage]:
    """Return how long the nodes of a cluster existed. Raises UnreadableAnswer."""
    try:
        return [
            NodeUsage(
                str(node["name"]),
                str(node["core_type"]),
                int(node["cores"]),
                datetime.fromisoformat(node["since"]).astimezone(UTC),
                _moment(node.get("until")),
            )
            for node in document["nodes"]
        ]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        text = f"The simulator's record of how long nodes existed cannot be read ({error!r})."
        raise UnreadableAnswer("unreadable_answer", text) from error


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _observed_node(node: Mapping[str, Any]) -> ObservedNode:
    address, port = node.get("address"), int(node.get("port") or 0)
    return ObservedNode(
        str(node["name"]),
        str(node["state"]),
        node_failures.phrase(str(node.get("reason") or "")),
        _moment(node.get("since")),
        _moment(node.get("until")),
        str(ipaddress.ip_address(address)) if address else "",
        port if 0 < port < 65536 else 0,
    )


def read_clusters(document: Mapping[str, Any]) -> Sequence[ListedCluster]:
    """Return the listed clusters that have a portal id. Raises UnreadableList."""
    entries = document.get("clusters")
    if not isinstance(entries, list):
        raise UnreadableList("The simulator's list of clusters cannot be read: it has no 'clusters'.", [])
    found, problems = [], []
    for entry in entries:
        try:
            if entry["mark"]:
                found.append(_listed_cluster(entry))
        except (KeyError, TypeError, ValueError) as error:
            name = entry.get("id") if isinstance(entry, dict) else None
            problems.append(f"{str(name)[:64]}: {error!r}")
    if problems:
        more = ", ..." if len(problems) > MAX_NAMED else ""
        text = f"{len(problems)} of {len(entries)} clusters in the simulator's list cannot be read"
        raise UnreadableList(f"{text} ({', '.join(problems[:MAX_NAMED])}{more}).", found)
    return found


def read_logins(document: Mapping[str, Any]) -> Sequence[LoginRecord]:
    """Return the login records without the malformed ones, so that those do not hold up the others."""
    return [record for record in map(read_login, document.get("logins", [])) if record is not None]


def _listed_cluster(entry: Mapping[str, Any]) -> ListedCluster:
    return ListedCluster(
        cluster_id=str(entry["id"]),
        portal_id=str(entry["mark"]),
        state={"id": str(entry["id"])},
        ordered_at=datetime.fromisoformat(entry["ordered_at"]).astimezone(UTC),
        nodes=[
            BillableNode(str(n["name"]), str(n["core_type"]), int(n["cores"]), str(n["state"]))
            for n in entry["nodes"]
        ],
    )


def read_login(entry: dict[str, Any]) -> LoginRecord | None:
    """Return a login record; None for a malformed one."""
    try:
        return LoginRecord(
            sequence=int(entry["sequence"]),
            at=min(datetime.fromisoformat(entry["at"]).astimezone(UTC), datetime.now(UTC)),
            node=str(entry["node"])[:40],
            username=str(entry["username"])[:64],
            source_address=str(ipaddress.ip_address(entry["source_address"])),
            fingerprint=str(entry.get("fingerprint") or "")[:80],
            certificate=str(entry.get("certificate") or "")[:200],
            authority=str(entry.get("authority") or "")[:80],
        )
    except (KeyError, TypeError, ValueError):
        return None
