"""TCP to a host: its name is looked up at each connect, and each of its addresses gets its chance.

Blocking, as everything that connects: never on an event loop.
"""

import socket
import time

# With several addresses left, none may use up all the time.
LEAST_SECONDS = 1.0


def dial(host: str, port: int, timeout: float) -> socket.socket:
    """A connected socket, within `timeout` seconds (looking up the name not counted).

    Raises OSError: that of the last address tried, or `socket.gaierror` for a name nobody knows.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    deadline = time.monotonic() + timeout
    failure: OSError = TimeoutError("no answer in time")
    for tried, (family, kind, protocol, _, address) in enumerate(found):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        share = (
            left if tried + 1 == len(found) else max(left / (len(found) - tried), min(LEAST_SECONDS, left))
        )
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(share)
            sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure
