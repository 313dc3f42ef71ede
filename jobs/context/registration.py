"""Check a node's registration: host keys, port, host name and addresses."""

import ipaddress
from typing import Any

from django.db.models import Q

from accounts.keys import public_keys
from accounts.refusals import Refused
from jobs.context.node_refusals import NodeRefusal
from jobs.models import Node
from jobs.states import ENDING, NODE_DOWN

MAX_HOST_KEYS = 8
MAX_HOSTNAME = 80


def read_registration(request: dict[str, Any]) -> dict[str, Any]:
    """Return the node's fields by column. Raises Refused (`bad_registration`, 400)."""
    port, hostname = request.get("port"), request.get("hostname", "")
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65536:
        raise _bad("port", "A port is a number from 1 to 65535.")
    if not isinstance(hostname, str) or len(hostname) > MAX_HOSTNAME or not hostname.isprintable():
        raise _bad("hostname", f"A host name has at most {MAX_HOSTNAME} printable characters.")
    return {
        "host_keys": _host_keys(request.get("host_keys")),
        "port": port,
        "hostname": hostname,
        "address": _ip_address(request, "address"),
        "private_address": _ip_address(request, "private_address"),
    }


def is_taken_by_another(node: Node, facts: dict[str, Any]) -> bool:
    """Whether another live node has this address and port, or one of the same cluster this address or name.

    Nodes of a cluster that is being released do not count: the cloud may have reassigned their addresses already.
    """
    live = (
        Node.objects.exclude(pk=node.pk)
        .filter(registered_at__isnull=False)
        .exclude(cluster__observed_state__in=ENDING)
        .exclude(state__in=NODE_DOWN)
    )
    inside = Q(private_address=facts["private_address"])
    if facts["hostname"]:
        inside |= Q(hostname=facts["hostname"])
    return live.filter(
        Q(address=facts["address"], port=facts["port"]) | (Q(cluster_id=node.cluster_id) & inside)
    ).exists()


def _host_keys(keys: object) -> list[str]:
    if not isinstance(keys, list) or not 0 < len(keys) <= MAX_HOST_KEYS:
        raise _bad("host_keys", f"Send between 1 and {MAX_HOST_KEYS} host keys.")
    lines = []
    for key in keys:
        if not isinstance(key, str):
            raise _bad("host_keys", "A host key is one line of text.")
        lines.append(" ".join(public_keys.parse(key).line.split()[:2]))
    return sorted(lines)


def _ip_address(request: dict[str, Any], field: str) -> str:
    value = request.get(field)
    # After a % sign Python accepts any characters as an interface name, line breaks included.
    if not isinstance(value, str) or "%" in value:
        raise _bad(field, f"{field} is not an IP address.")
    try:
        return str(ipaddress.ip_address(value))
    except ValueError as error:
        raise _bad(field, f"{field} is not an IP address.") from error


def _bad(field: str, sentence: str) -> Refused:
    return NodeRefusal.BAD_REGISTRATION.refused(sentence, field=field)
