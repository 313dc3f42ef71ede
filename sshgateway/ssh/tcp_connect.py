"""Open a TCP connection to a host: look its name up each time and try each of its addresses.

Blocks: never call it on an event loop.
"""

import socket
import time
from collections.abc import Sequence

from accounts import cidr

# The shortest time for one address while others are left to try.
SHORTEST_ATTEMPT_SECONDS = 1.0


class ForbiddenAddress(OSError):
    """The host leads to an address in a forbidden block. Nothing was sent there."""


def connect_tcp(host: str, port: int, timeout: float, forbidden: Sequence[str] = ()) -> socket.socket:
    """Return a connected socket within `timeout` seconds (not counting the name lookup).

    Raises OSError: that of the last address tried, or `socket.gaierror` for an unknown name; ForbiddenAddress if any
    address of the host is in one of the `forbidden` CIDR blocks.
    """
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if any(cidr.allows(forbidden, str(address[0])) for *_, address in addresses):
        raise ForbiddenAddress(f"{host} leads to a forbidden address")
    deadline = time.monotonic() + timeout
    failure: OSError = TimeoutError("no answer in time")
    for tried, (family, kind, protocol, _, address) in enumerate(addresses):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(_attempt_seconds(left, len(addresses) - tried))
            sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


def _attempt_seconds(left: float, addresses_left: int) -> float:
    """Return an even share of the time left, but not less than the shortest attempt."""
    if addresses_left == 1:
        return left
    return max(left / addresses_left, min(SHORTEST_ATTEMPT_SECONDS, left))
