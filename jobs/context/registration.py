"""What a node says of itself when it registers, checked: host keys, port, names, addresses."""

import ipaddress
from typing import Any

from django.db.models import Q

from accounts.keys import public_keys
from accounts.refusals import Refused
from jobs.models import Node
from jobs.states import Observed

MAX_HOST_KEYS = 8
MAX_HOSTNAME = 80
BAD = "bad_registration"
ENDED = (Node.State.STOPPED, Node.State.FAILED)


def read_registration(said: dict[str, Any]) -> dict[str, Any]:
    """The node's fields. Raises Refused (`bad_registration`, 400)."""
    keys, port, hostname = said.get("host_keys"), said.get("port"), said.get("hostname", "")
    if not isinstance(keys, list) or not 0 < len(keys) <= MAX_HOST_KEYS:
        raise Refused(BAD, f"Say between 1 and {MAX_HOST_KEYS} host keys.", field="host_keys")
    lines = []
    for key in keys:
        if not isinstance(key, str):
            raise Refused(BAD, "A host key is one line of text.", field="host_keys")
        lines.append(" ".join(public_keys.parse(key).line.split()[:2]))
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65536:
        raise Refused(BAD, "A port is a number from 1 to 65535.", field="port")
    if not isinstance(hostname, str) or len(hostname) > MAX_HOSTNAME or not hostname.isprintable():
        raise Refused(BAD, f"A host name has at most {MAX_HOSTNAME} printable characters.", field="hostname")
    return {
        "host_keys": sorted(lines),
        "port": port,
        "hostname": hostname,
        "address": _ip(said.get("address"), "address"),
        "private_address": _ip(said.get("private_address"), "private_address"),
    }


def is_anothers(node: Node, facts: dict[str, Any]) -> bool:
    """Whether another living node has this address and port, or one of the same cluster its address or name there.

    A cluster that is being taken away has none any more: the cloud may have given its addresses to others already.
    """
    live = (
        Node.objects.exclude(pk=node.pk)
        .filter(registered_at__isnull=False)
        .exclude(cluster__observed_state__in=(Observed.RELEASING, Observed.RELEASED))
        .exclude(state__in=ENDED)
    )
    inside = Q(private_address=facts["private_address"])
    if facts["hostname"]:
        inside |= Q(hostname=facts["hostname"])
    return live.filter(
        Q(address=facts["address"], port=facts["port"]) | (Q(cluster_id=node.cluster_id) & inside)
    ).exists()


def _ip(value: object, field: str) -> str:
    # Behind a % sign Python takes any characters for the name of an interface, line breaks and all.
    if not isinstance(value, str) or "%" in value:
        raise Refused(BAD, f"{field} is no IP address.", field=field)
    try:
        return str(ipaddress.ip_address(value))
    except ValueError as error:
        raise Refused(BAD, f"{field} is no IP address.", field=field) from error
