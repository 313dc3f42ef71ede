"""Which source addresses a certificate of the portal's is bound to, so that it is useless anywhere else.

HEADNODE_GATEWAY_ADDRESSES says where nodes see the portal's connections come from, and every certificate is bound to
these. Loopback addresses, the default, hold on this machine only: a container with a published port and every other
machine see something else. So they bind what is used on the nodes of HEADNODE_NODE_NETWORKS, which filter by the same
addresses, and nothing else.
"""

import ipaddress
from collections.abc import Sequence

from django.conf import settings

# A name such as localhost may lead to either.
LOOPBACK = ("127.0.0.0/8", "::1/128")


def source_addresses_for(target: str) -> list[str]:
    """Return the networks from which a certificate may be used on a target (an address or a name); empty: any."""
    networks = [ipaddress.ip_network(text, strict=False) for text in settings.HEADNODE_GATEWAY_ADDRESSES]
    elsewhere = [str(network) for network in networks if not network.is_loopback]
    if len(elsewhere) == len(networks):
        return elsewhere
    if elsewhere or _is_own_node(target):
        return [*elsewhere, *LOOPBACK]
    return []


def _is_own_node(target: str) -> bool:
    try:
        address = ipaddress.ip_address(target)
    except ValueError:
        return False
    return any(address in network for network in _networks(settings.HEADNODE_NODE_NETWORKS))


def _networks(texts: Sequence[str]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(text, strict=False) for text in texts]
