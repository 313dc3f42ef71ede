"""An address and a port per node, found by binding them: what is bound is ours and nobody else's.

On Linux each node has its own 127.20.x.y and the port of its core type. Elsewhere, or where an address is set
(containers), all nodes share one address and differ by port.
"""

import errno
import secrets
import socket
import sys
from dataclasses import dataclass

from jobs.simulator.spec import Refused

BLOCK = 254 * 254
FALLBACK_PORT = 32022
TRIES = 2000


@dataclass(frozen=True)
class Place:
    """Where a node's SSH server is reached from outside, and its address inside the cluster."""

    address: str
    port: int
    private_address: str

    @property
    def hostname(self) -> str:
        """The host name a node with this private address has."""
        return "ip-" + self.private_address.replace(".", "-")


def numbered(index: int) -> str:
    """The n-th address of 127.20.1.1 to 127.20.254.254."""
    index %= BLOCK
    return f"127.20.{index // 254 + 1}.{index % 254 + 1}"


def bind(address: str, port: int, reuse: bool = False) -> socket.socket:
    """A bound socket that refuses connections until it listens."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(reuse))
        bound.bind((address, port))
        # Connections inherit it. Without it, one that a client still holds after we were killed keeps the next of us
        # from the address for minutes. Nobody is let in by it who asks for the address for himself alone, as above.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    except OSError:
        bound.close()
        raise
    bound.setblocking(False)
    return bound


class Addresses:
    """Gives places out, one after the other from anywhere in the block.

    So two simulators hardly meet, and step aside for each other; and one that is started again does not begin with the
    addresses of nodes that its portal is only just writing off.
    """

    def __init__(self, fixed: str = "") -> None:
        self.fixed = fixed or ("" if sys.platform == "linux" else "127.0.0.1")
        self._next = secrets.randbelow(BLOCK)
        self._taken: set[str] = set()

    def keep(self, place: Place) -> None:
        """Note a place that a cluster in the state already has."""
        self._taken.add(place.private_address)

    def free(self, place: Place) -> None:
        """Give a place back."""
        self._taken.discard(place.private_address)

    def take(self, port: int) -> tuple[Place, socket.socket]:
        """The next free place for an SSH port, with its socket bound."""
        for _ in range(TRIES):
            private = numbered(self._next)
            self._next += 1
            if private in self._taken:
                continue
            found = self._bind(private, port)
            if found is not None:
                self._taken.add(private)
                return found
            if port < 1024:
                # Port 22 may be ours to bind and still be held on every address by the machine's own server.
                found = self._bind(private, FALLBACK_PORT)
                if found is not None:
                    self._taken.add(private)
                    return found
        raise Refused("no_address", "No free address was found for another node on this machine.", 409)

    def _bind(self, private: str, port: int) -> tuple[Place, socket.socket] | None:
        address, wanted = (self.fixed, 0) if self.fixed else (private, port)
        try:
            bound = bind(address, wanted)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES, errno.EPERM):
                return None
            raise
        return Place(address, bound.getsockname()[1], private), bound
