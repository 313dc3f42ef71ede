"""Find the source address of a request, which access rules are checked against.

It is the peer address of the connection. Only if that is one of HEADNODE_TRUSTED_PROXIES is X-Forwarded-For used, from
right to left: the first address that is not a trusted proxy is the client's. Everything further left was written by the
client and is ignored. If an entry is not an address, the source is UNKNOWN, which no access rule allows; the address of
the proxy is never used instead.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts import cidr

# A peer on a unix socket has no address. It is a process on this machine.
LOCAL_PEER = "127.0.0.1"
# The source when a trusted proxy sent no valid address. No rule allows it, not even 0.0.0.0/0.
UNKNOWN = ""
_WITH_PORT = re.compile(r"(\[[0-9A-Fa-f:.%\w]+\]|[0-9.]+):[0-9]{1,5}", re.ASCII)


def source_address_of(source: HttpRequest | Mapping[str, Any]) -> str:
    """Return the source address of a Django request or an ASGI scope."""
    if isinstance(source, Mapping):
        return source_address_of_scope(source)
    meta = source.META
    return resolve_address(meta.get("REMOTE_ADDR") or "", meta.get("HTTP_X_FORWARDED_FOR"), _trusted())


def source_address_of_scope(scope: Mapping[str, Any]) -> str:
    """Return the source address of an ASGI scope."""
    peer = scope.get("client") or ("", 0)
    headers: Iterable[tuple[bytes, bytes]] = scope.get("headers") or ()
    forwarded = [value.decode("latin-1") for name, value in headers if name.lower() == b"x-forwarded-for"]
    return resolve_address(peer[0] or "", ",".join(forwarded) if forwarded else None, _trusted())


def resolve_address(peer: str, forwarded_for: str | None, trusted: Sequence[cidr.Network]) -> str:
    """Return the source address, given the peer, the X-Forwarded-For header and the trusted proxies.

    Return UNKNOWN if the header is used and an entry that matters is not an address.
    """
    try:
        peer_address = cidr.parse_address(peer or LOCAL_PEER)
    except ValueError:
        peer_address = cidr.parse_address(LOCAL_PEER)
    if forwarded_for is None or not cidr.allows(trusted, peer_address):
        return str(peer_address)
    hop = peer_address
    for entry in reversed(forwarded_for.split(",")):
        try:
            hop = _hop(entry)
        except ValueError:
            return UNKNOWN
        if not cidr.allows(trusted, hop):
            break
    return str(hop)


def _hop(entry: str) -> cidr.Address:
    """Return the address of one entry, without the port that some proxies add."""
    text = entry.strip()
    with_port = _WITH_PORT.fullmatch(text)
    return cidr.parse_address(with_port.group(1) if with_port else text)


def _trusted() -> tuple[cidr.Network, ...]:
    return _networks(tuple(settings.HEADNODE_TRUSTED_PROXIES))


@lru_cache(maxsize=8)
def _networks(texts: tuple[str, ...]) -> tuple[cidr.Network, ...]:
    return tuple(cidr.parse(text).network for text in texts)
