"""Keep machines away from nodes: who reaches a node is decided with its job, and told in its owner's Job Log."""

import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.utils.translation import gettext as _

from accounts import cidr
from accounts.refusals import Refused
from jobs.models import Node
from jobs.states import ENDING, NODE_DOWN

LOOKUP_SECONDS = 2.0


def node_networks() -> Sequence[str]:
    """Return the blocks that nodes have: those of the settings, and the address of every node that is up now."""
    live = (
        Node.objects.filter(verified_at__isnull=False, address__isnull=False)
        .exclude(cluster__observed_state__in=ENDING)
        .exclude(state__in=NODE_DOWN)
    )
    return [*settings.HEADNODE_NODE_NETWORKS, *live.values_list("address", flat=True).distinct()]


def check_not_a_node(host: str) -> None:
    """Raise Refused (`host_is_node`) if the host is a node's address, or a name that leads to one now.

    A name that cannot be looked up in LOOKUP_SECONDS passes: the gateway checks again whenever it connects.
    """
    networks = node_networks()
    if any(cidr.allows(networks, address) for address in _addresses_of(host)):
        raise Refused(
            "host_is_node",
            _(
                "%(host)s is the address of a node. Nodes belong to jobs and are reached through them; machines are "
                "computers that the portal did not make."
            )
            % {"host": host},
            field="host",
        )


def _addresses_of(host: str) -> list[str]:
    try:
        return [str(cidr.parse_address(host))]
    except ValueError:
        pass
    # In a thread of its own: the system's look-up has no limit that could be set here.
    pool = ThreadPoolExecutor(max_workers=1)
    try:
        found = pool.submit(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM).result(LOOKUP_SECONDS)
    except (OSError, UnicodeError, TimeoutError):
        return []
    finally:
        pool.shutdown(wait=False)
    return [str(address[0]) for *_, address in found]
