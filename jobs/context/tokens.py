"""One-time tokens of nodes: made from the portal's secret, kept as digests only.

The same cluster and node name always give the same token, so an order repeated after a crash is the same order,
and yet no token lies in the database.
"""

import hashlib
import hmac

from django.conf import settings


def token_of(cluster_id: str, node_name: str) -> str:
    """The token a node is born with."""
    message = f"node-token:{cluster_id}:{node_name}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), message, hashlib.sha256).hexdigest()


def digest_of(token: str) -> str:
    """What the database keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
