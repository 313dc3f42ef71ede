"""Give each node an address and a port, found by binding them: what is bound nobody else has.

On Linux each node has its own 127.20.x.y and the port of its core type. Elsewhere, or if an address is set (as in
containers), all nodes share one address and differ by port.
"""

import errno
import secrets
import socket
import sys

from jobs.simulator.boot.node_record import NodeAddress
from jobs.simulator.spec import RequestRefused

BLOCK = 254 * 254
FALLBACK_PORT = 32022
TRIES = 2000


def numbered_address(index: int) -> str:
    """Return the n-th address of 127.20.1.1 to 127.20.254.254."""
    index %= BLOCK
    return f"127.20.{index // 254 + 1}.{index % 254 + 1}"


def bind(address: str, port: int, reuse: bool = False) -> socket.socket:
    """Return a bound socket that refuses connections until it listens. Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(reuse))
        bound.bind((address, port))
        # Connections inherit it. Without it, one that a client still has open after the simulator was killed keeps the
        # next simulator from the address for minutes. A process that binds without `reuse`, as above, is not let in.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    except OSError:
        bound.close()
        raise
    bound.setblocking(False)
    return bound


class AddressPool:
    """Gives addresses out one after the other, from anywhere in the block.

    So two simulators seldom meet, and step aside for each other; and one that is started again does not begin with the
    addresses of nodes that its portal is about to write off.
    """

    def __init__(self, fixed: str = "") -> None:
        self._fixed = fixed or ("" if sys.platform == "linux" else "127.0.0.1")
        self._next = secrets.randbelow(BLOCK)
        self._taken: set[str] = set()

    def reserve(self, address: NodeAddress) -> None:
        """Mark an address as taken, because a cluster in the state has it."""
        self._taken.add(address.private_address)

    def release(self, address: NodeAddress) -> None:
        """Give an address back."""
        self._taken.discard(address.private_address)

    def acquire(self, port: int) -> tuple[NodeAddress, socket.socket]:
        """Return the next free address for an SSH port, with its socket bound. Raises Refused."""
        # Port 22 may be allowed and still be taken on every address by the machine's own server.
        ports = (port, FALLBACK_PORT) if port < 1024 else (port,)
        for _ in range(TRIES):
            private = numbered_address(self._next)
            self._next += 1
            if private in self._taken:
                continue
            for wanted in ports:
                if (found := self._bind(private, wanted)) is not None:
                    self._taken.add(private)
                    return found
        raise RequestRefused("no_address", "No free address was found for another node on this machine.")

    def _bind(self, private: str, port: int) -> tuple[NodeAddress, socket.socket] | None:
        address, wanted = (self._fixed, 0) if self._fixed else (private, port)
        try:
            bound = bind(address, wanted)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES, errno.EPERM):
                return None
            raise
        return NodeAddress(address, bound.getsockname()[1], private), bound
