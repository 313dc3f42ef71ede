"""A login shell on the far end, as a byte pipe an event loop can wait on.

Wraps a paramiko channel; `transport.Connection.open_shell` makes it. `fileno()` and `ready()` never block.
`read` and `write` may wait for the socket (a window adjustment, a key exchange), so they belong into a
worker thread.
"""

import contextlib
import threading
from typing import Protocol

import paramiko

CHUNK = 32 * 1024


class Carrier(Protocol):
    """The connection under a shell, as far as the shell needs it."""

    @property
    def active(self) -> bool: ...
    @property
    def last_words(self) -> str: ...
    def wait_lost(self, timeout: float) -> None: ...
    def close(self) -> None: ...


class Shell:
    """One shell. Reading, writing and resizing may happen in different threads, each in one at a time."""

    def __init__(self, channel: paramiko.Channel, carrier: Carrier) -> None:
        self._channel = channel
        self._carrier = carrier
        channel.setblocking(0)
        self._fileno = channel.fileno()
        # Closing frees the file descriptor that paramiko reads inside `recv`: never both at once.
        self._reading = threading.Lock()

    def fileno(self) -> int:
        """Readable while there is output to read or the shell has ended."""
        return self._fileno

    def read(self, limit: int = CHUNK) -> bytes | None:
        """Output that is there; None when there is none yet; empty bytes when there will be no more."""
        try:
            with self._reading:
                return self._channel.recv(limit)
        except TimeoutError:
            return None
        except (OSError, EOFError, paramiko.SSHException):
            return b""

    def write(self, data: bytes) -> int:
        """Pass input on; answers how much was taken: 0 when the far end takes no more for now, -1 when it is gone."""
        try:
            return self._channel.send(data) or -1
        except TimeoutError:
            return 0
        except (OSError, EOFError, paramiko.SSHException):
            return -1

    def resize(self, cols: int, rows: int) -> None:
        """Tell the far end the terminal's new size."""
        with contextlib.suppress(
            OSError, EOFError, paramiko.SSHException
        ):  # it is ending; reading will say so
            self._channel.resize_pty(cols, rows)

    def exit_status(self, timeout: float = 2.0) -> int | None:
        """The shell's exit status after its output ended; None when it did not leave one (killed, line broken)."""
        if self._channel.status_event.wait(timeout) and self._channel.exit_status >= 0:
            return self._channel.exit_status
        # Killed, maybe with its whole node: then the connection goes in a moment, too.
        self._carrier.wait_lost(1.0)
        return None

    @property
    def connected(self) -> bool:
        """Whether the connection under the shell still stands."""
        return self._carrier.active

    @property
    def last_words(self) -> str:
        """What the node said when it hung up."""
        return self._carrier.last_words

    def close(self) -> None:
        """Hang up. Idempotent. Nothing may wait on `fileno()` any more."""
        # The connection first: it wakes whoever waits for its socket.
        self._carrier.close()
        with self._reading, contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.close()
