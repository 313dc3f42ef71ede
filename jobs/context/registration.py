"""Check a node's registration: its fields, its host keys, and that no other live node has its address or name."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Q

from accounts.keys import public_keys
from jobs.context.node_refusals import refuse_invalid_documents
from jobs.models import Node
from jobs.node_contract.registration import Registration, read_registration
from jobs.states import ENDING, NODE_DOWN


def parse_registration(request: dict[str, Any]) -> Registration:
    """Return the registration, its host keys without comments and sorted.

    Raises Refused (400): `bad_registration`, or the reason of the parser of public keys.
    """
    with refuse_invalid_documents():
        registration = read_registration(request)
    return replace(registration, host_keys=_parse_host_keys(registration.host_keys))


def is_taken_by_another(node: Node, registration: Registration) -> bool:
    """Whether another live node has this address and port, or one of the same cluster this address or name.

    Nodes of a cluster that is being released do not count: the cloud may have reassigned their addresses already.
    """
    live = (
        Node.objects.exclude(pk=node.pk)
        .filter(registered_at__isnull=False)
        .exclude(cluster__observed_state__in=ENDING)
        .exclude(state__in=NODE_DOWN)
    )
    inside = Q(private_address=registration.private_address)
    if registration.hostname:
        inside |= Q(hostname=registration.hostname)
    return live.filter(
        Q(address=registration.address, port=registration.port) | (Q(cluster_id=node.cluster_id) & inside)
    ).exists()


def _parse_host_keys(keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(" ".join(public_keys.parse(key).line.split()[:2]) for key in keys))
