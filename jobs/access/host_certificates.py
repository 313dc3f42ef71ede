"""Issue and renew the host certificates of nodes.

A node cannot choose the names in its certificate. The alias follows from the token the node was created with; the
address is signed only after the portal has logged in there with the key the node reported. Names that a node reports
are never signed: it could report anything.
"""

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from jobs.access.connection_info import node_alias
from jobs.models import Cluster, Node
from jobs.providers.base import Provider
from sshgateway.certificates import authorities


def sign_at_registration(node: Node) -> list[str]:
    """Return certificates for a node that has just reported its host keys: for its alias only."""
    return _sign(node, [node_alias(node)])


def issue_certificates(cluster: Cluster, nodes: Sequence[Node], provider: Provider) -> None:
    """Install new certificates on nodes that proved their host key at their address. Raises ProviderError.

    They are in effect at once. Repeating this after a crash only installs newer ones.
    """
    if not nodes:
        return
    signed_by, until = authorities.host_authority_fingerprint(), timezone.now() + certificate_lifetime()
    provider.certify(cluster.provider_state, {node.name: _sign(node, principals_of(node)) for node in nodes})
    Node.objects.filter(pk__in=[node.pk for node in nodes]).update(
        certified_until=until, certified_by=signed_by
    )


def renew_certificates(cluster: Cluster, provider: Provider) -> None:
    """Renew certificates past half of their lifetime, or signed by an authority that is no longer in use.

    Raises ProviderError.
    """
    verified = list(
        cluster.nodes.filter(
            state=Node.State.RUNNING, verified_at__isnull=False, host_key_alarm_at__isnull=True
        )
    )
    if verified:
        now, signed_by = timezone.now(), authorities.host_authority_fingerprint()
        issue_certificates(cluster, [node for node in verified if is_due(node, now, signed_by)], provider)


def is_due(node: Node, now: datetime, signed_by: str) -> bool:
    """Whether the node's certificates must be renewed now. `signed_by`: fingerprint of the authority in use."""
    if node.certified_until is None or node.certified_by != signed_by:
        return True
    return node.certified_until - now < certificate_lifetime() / 2


def principals_of(node: Node) -> list[str]:
    """Return the names for the certificate of a node that proved its host key: its alias and perhaps its address."""
    names = [node_alias(node)]
    if node.address and _is_node_address(node.address):
        names.append(node.address)
    return names


def certificate_lifetime() -> timedelta:
    """Return how long a host certificate is valid."""
    found: timedelta = settings.HEADNODE_HOST_CERTIFICATE_LIFETIME
    return found


def _is_node_address(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    networks = [ipaddress.ip_network(text, strict=False) for text in settings.HEADNODE_NODE_NETWORKS]
    return any(parsed.version == network.version and parsed in network for network in networks)


def _sign(node: Node, names: list[str]) -> list[str]:
    key_id = f"job {node.cluster.job_id} {node.name}"
    return [
        authorities.sign_host_certificate(key, names, certificate_lifetime(), key_id)
        for key in node.host_keys
    ]
