"""Derive the one-time tokens of nodes from the portal's secret, and the digests that the database stores.

A cluster and a node name always give the same token, so repeating an order after a crash repeats it exactly, although
no token is stored.
"""

import hashlib
import hmac

from django.conf import settings


def token_of(cluster_id: str, node_name: str) -> str:
    """Return the token that a node is created with."""
    message = f"node-token:{cluster_id}:{node_name}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), message, hashlib.sha256).hexdigest()


def digest_of(token: str) -> str:
    """Return the digest of a token, as the database stores it."""
    return hashlib.sha256(token.encode()).hexdigest()
