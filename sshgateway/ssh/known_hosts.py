"""known_hosts patterns for the host names that the host authority vouches for. Pure.

ssh looks up `HostKeyAlias` and an address on port 22 verbatim, and an address on another port as `[address]:port`.
Patterns know only `*` and `?`, so a network becomes one pattern for each of its parts that end at a dot.
"""

import ipaddress
from collections.abc import Iterable

# A wider network would make the authority valid for too many hosts.
WIDEST_IPV4 = 8


def patterns(name: str, networks: Iterable[str]) -> str:
    """Return the pattern list for every node of a portal: the aliases `*.name` and the addresses in `networks`.

    Raises ValueError, with a sentence, for a network that patterns cannot express.
    """
    found = [f"*.{name}"]
    for text in networks:
        for address in _address_patterns(text):
            found += [address, f"[{address}]:*"]
    return ",".join(found)


def _address_patterns(text: str) -> list[str]:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is no address and no network such as 10.20.0.0/16.") from None
    if isinstance(network, ipaddress.IPv4Network):
        if network.prefixlen < WIDEST_IPV4:
            raise ValueError(f"{text} is too wide: name the networks that nodes really are in.")
        parts = -(-network.prefixlen // 8)
        return [
            ".".join(str(part.network_address).split(".")[:parts]) + (".*" if parts < 4 else "")
            for part in network.subnets(new_prefix=parts * 8)
        ]
    if network.prefixlen == network.max_prefixlen:
        return [str(network.network_address)]
    fields = network.network_address.exploded.split(":")[: network.prefixlen // 16]
    if network.prefixlen % 16 or not fields or any(int(field, 16) == 0 for field in fields):
        # `::` may stand for any run of zeros: no pattern meets all the ways such an address is written.
        raise ValueError(
            f"{text} cannot be written as a known_hosts pattern: name single IPv6 addresses, or a network "
            "whose length is a multiple of 16 and that has no zero field."
        )
    return [":".join(f"{int(field, 16):x}" for field in fields) + ":*"]
