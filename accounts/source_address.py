"""The address a person comes from, as access rules see it.

It is the address of the connection itself. Only when that is one of HEADNODE_TRUSTED_PROXIES does the
X-Forwarded-For header count, read from the right: the first address that is not a trusted proxy is the
person's. Whatever stands further left was written by the person, and is not believed. When that first entry is
no address, nobody knows where the person is: UNKNOWN, which no access rule lets in, and never the proxy's address.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts import cidr

# A peer on a unix socket has no address. It is a process of this machine.
LOCAL_PEER = "127.0.0.1"
# Of somebody whom a trusted proxy did not place: `cidr.allows` allows it nothing, not even from everywhere.
UNKNOWN = ""
_WITH_PORT = re.compile(r"(\[[0-9A-Fa-f:.%\w]+\]|[0-9.]+):[0-9]{1,5}", re.ASCII)


def source_address_of(source: HttpRequest | Mapping[str, Any]) -> str:
    """Return the address behind a Django request or an ASGI scope."""
    if isinstance(source, Mapping):
        return source_address_of_scope(source)
    meta = source.META
    return decide(meta.get("REMOTE_ADDR") or "", meta.get("HTTP_X_FORWARDED_FOR"), _trusted())


def source_address_of_scope(scope: Mapping[str, Any]) -> str:
    """Return the address behind an ASGI scope."""
    peer = scope.get("client") or ("", 0)
    headers: Iterable[tuple[bytes, bytes]] = scope.get("headers") or ()
    forwarded = [value.decode("latin-1") for name, value in headers if name.lower() == b"x-forwarded-for"]
    return decide(peer[0] or "", ",".join(forwarded) if forwarded else None, _trusted())


def decide(peer: str, forwarded_for: str | None, trusted: Sequence[cidr.Network]) -> str:
    """Return the person's address, given the connection's peer, the header, and who is trusted to write it.

    UNKNOWN when the header counts and an entry that has to be read is no address.
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
    """Return the address of one entry; some proxies write a port behind it."""
    text = entry.strip()
    with_port = _WITH_PORT.fullmatch(text)
    return cidr.parse_address(with_port.group(1) if with_port else text)


def _trusted() -> tuple[cidr.Network, ...]:
    return _networks(tuple(settings.HEADNODE_TRUSTED_PROXIES))


@lru_cache(maxsize=8)
def _networks(texts: tuple[str, ...]) -> tuple[cidr.Network, ...]:
    return tuple(cidr.parse(text).network for text in texts)
