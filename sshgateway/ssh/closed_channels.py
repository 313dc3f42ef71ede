"""Nothing is sent on a channel after its end was (RFC 4254, 5.3).

paramiko decides under a channel's lock what to send, and sends it without: while one thread ends its input or writes,
the thread that reads may answer the node's end of the channel first. OpenSSH disconnects whoever then names a channel
that is gone, and with it everything else on the connection.
"""

import threading
from collections.abc import Callable

CLOSE = 97
# Window adjustments, data, extended data, end of file, requests and their replies (RFC 4254, section 9).
OF_A_CHANNEL = frozenset({93, 94, 95, 96, 98, 99, 100})


class ClosedChannels:
    """The node's numbers of channels whose end we have sent, until the node uses a number again."""

    def __init__(self) -> None:
        """None yet."""
        self._lock = threading.Lock()
        self._numbers: set[int] = set()

    def send(self, message: bytes, send: Callable[[], None]) -> None:
        """Call `send`, unless `message` is about a channel that is closed; one after the other."""
        with self._lock:
            kind, number = message[0], int.from_bytes(message[1:5], "big")
            if kind == CLOSE:
                if number in self._numbers:
                    return
                self._numbers.add(number)
            elif kind in OF_A_CHANNEL and number in self._numbers:
                return
            send()

    def opened(self, number: int) -> None:
        """The node gives this number to a new channel."""
        with self._lock:
            self._numbers.discard(number)
