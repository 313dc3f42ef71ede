"""What the host authority says of nodes: "this key belongs to this name", for a day, and again before the day is over.

A node chooses neither its names nor its address in here. The alias comes from the token it was born with; its
address is signed only after the portal has logged in there with the key the node reported. Names a node gives
itself are never signed: it could call itself anything.
"""

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from jobs.access.connection_info import alias
from jobs.models import Cluster, Node
from jobs.providers.base import Provider
from sshgateway.certificates import authorities


def at_registration(node: Node) -> list[str]:
    """Certificates for a node that has only just said which keys it has: for its alias."""
    return _sign(node, [alias(node)])


def issue(cluster: Cluster, nodes: Sequence[Node], provider: Provider) -> None:
    """Give nodes that proved their key at their address new certificates, live at once. Raises ProviderError.

    Doing it again after a crash only gives them newer ones.
    """
    if not nodes:
        return
    signed_by, until = authorities.host_authority_fingerprint(), timezone.now() + lifetime()
    provider.certify(cluster.provider_state, {node.name: _sign(node, principals(node)) for node in nodes})
    Node.objects.filter(pk__in=[node.pk for node in nodes]).update(
        certified_until=until, certified_by=signed_by
    )


def renew(cluster: Cluster, provider: Provider) -> None:
    """Issue again for the cluster's nodes whose certificates are half used up, or signed by a key that no longer signs.

    Raises ProviderError.
    """
    up = list(
        cluster.nodes.filter(
            state=Node.State.RUNNING, verified_at__isnull=False, host_key_alarm_at__isnull=True
        )
    )
    if up:
        now, signed_by = timezone.now(), authorities.host_authority_fingerprint()
        issue(cluster, [node for node in up if is_due(node, now, signed_by)], provider)


def is_due(node: Node, now: datetime, signed_by: str) -> bool:
    """Whether a node should get new certificates now."""
    if node.certified_until is None or node.certified_by != signed_by:
        return True
    return node.certified_until - now < lifetime() / 2


def principals(node: Node) -> list[str]:
    """The names a node that proved itself may be reached by."""
    names = [alias(node)]
    if node.address and _is_node_address(node.address):
        names.append(node.address)
    return names


def lifetime() -> timedelta:
    """How long a host certificate is good."""
    found: timedelta = settings.HEADNODE_HOST_CERTIFICATE_LIFETIME
    return found


def _is_node_address(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    networks = [ipaddress.ip_network(text, strict=False) for text in settings.HEADNODE_NODE_NETWORKS]
    return any(parsed.version == network.version and parsed in network for network in networks)


def _sign(node: Node, names: list[str]) -> list[str]:
    key_id = f"job {node.cluster.job_id} {node.name}"
    return [authorities.sign_host_certificate(key, names, lifetime(), key_id) for key in node.host_keys]
