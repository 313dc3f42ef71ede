"""Where webhooks may be sent: addresses of the outside only, unless the administrator allows more. Pure.

What counts is the address that is connected to, after the name was resolved: an odd spelling of an address
(`http://2130706433/`, `http://0x7f.1/`) is resolved to what it means before it is checked.
"""

import ipaddress
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

from accounts.refusal_reasons import RefusalReason
from accounts.refusals import Refused

MAX_URL = 500
_NOT_OUTSIDE = [
    ipaddress.ip_network(block)
    for block in (
        "168.63.129.16/32",  # the host of a machine at Azure, as seen from it
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # relays of 6to4
        "198.18.0.0/15",  # benchmarks
        "fec0::/10",  # site-local, as it once was
        "64:ff9b:1::/48",  # NAT64 of a local network
        "2001::/23",  # protocol assignments, Teredo among them
        "5f00::/16",  # segment routing
    )
]
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
_COMPATIBLE = ipaddress.IPv6Network("::/96")


def check_url(text: str) -> str:
    """Return the address of a webhook, trimmed. Raises Refused (`webhook_url_invalid`) if it is not one."""
    url = text.strip()
    if not url or len(url) > MAX_URL:
        raise _invalid(f"Enter the address that is to be sent to, up to {MAX_URL} characters long.")
    if not url.isascii() or not url.isprintable() or any(letter in url for letter in ' "<>\\^`{|}'):
        raise _invalid("Write other letters than plain ones percent-encoded, and a host's as xn--.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _invalid("That is not an address. Example: https://example.org/headnode") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _invalid("The address must begin with https:// or http:// and a host.")
    if "@" in parts.netloc:
        raise _invalid("Leave the user name and password out: the signature says who sends.")
    if parts.fragment or url.endswith("#"):
        raise _invalid("Leave out # and what follows it.")
    if port == 0 or "%" in parts.netloc:
        raise _invalid("The host or the port is not one that can be reached.")
    return url


def without_secrets(url: str) -> str:
    """Return the address as far as others may read it: many services put a secret into the path or the query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/" + ("…" if parts.path.strip("/") or parts.query else "")


def is_outside(address: str) -> bool:
    """Return whether an IP address belongs to no private network, in none of the forms it stands for."""
    found = ipaddress.ip_address(address.partition("%")[0])
    return all(_is_outside(form) for form in (found, *_embedded(found)))


def is_in_one(address: str, networks: Sequence[str]) -> bool:
    """Return whether an IP address, or the IPv4 address it stands for, is in one of these networks."""
    found = ipaddress.ip_address(address.partition("%")[0])
    meant = next(iter(_embedded(found)), found)
    return any(meant in ipaddress.ip_network(block, strict=False) for block in networks)


def _is_outside(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and (address.ipv4_mapped or address in _NAT64):
        return True  # what it stands for is checked beside it
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in block for block in _NOT_OUTSIDE if block.version == address.version)
    )


def _embedded(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """Return the IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, IPv4Address):
        return []
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in _SIX_TO_FOUR and address.sixtofour is not None:
        return [address.sixtofour]
    if address in _NAT64 or (address in _COMPATIBLE and not address.is_loopback):
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    return []


def _invalid(message: str) -> Refused:
    return Refused(RefusalReason.WEBHOOK_URL_INVALID, message, field="url")
