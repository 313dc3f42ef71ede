"""SFTP channels to nodes for people who look at files: one connection for each person and node, few channels on it.

A connection is closed when nobody used it for a while, and never used for longer than a certificate's few minutes.
Blocking: call it from a request's own thread or from `POOL`, never on an event loop.
"""

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

from accounts.refusals import Refused
from jobs.remote import folder_refusals
from sshgateway.ssh.errors import SSHError
from sshgateway.ssh.transport import SFTP, Connection

CHANNELS_PER_NODE = 4
WAIT_SECONDS = 5.0
ANSWER_SECONDS = 8.0
IDLE_SECONDS = 30.0
MOST_SECONDS = 300.0
# What downloads wait in, so that slow nodes hold neither the event loop nor the threads that others use.
POOL = ThreadPoolExecutor(16, "node-files")


@dataclass(eq=False)
class _Client:
    """An SFTP client and what ends it."""

    sftp: SFTP
    connection: Connection
    ends: ExitStack

    def close(self) -> None:
        """End it, whatever state it is in."""
        with suppress(Exception):
            self.ends.close()


@dataclass(eq=False)
class _Line:
    """The connection of one person to one node."""

    slots: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(CHANNELS_PER_NODE)
    )
    lock: threading.Lock = field(default_factory=threading.Lock)
    connection: Connection | None = None
    idle: list[_Client] = field(default_factory=list)
    lent: list[_Client] = field(default_factory=list)
    users: int = 0
    is_watched: bool = False  # a timer will look whether it is idle
    connected_at: float = 0.0
    used_at: float = 0.0

    def is_usable(self) -> bool:
        """Whether another channel may be opened on the connection."""
        return (
            self.connection is not None
            and self.connection.active
            and time.monotonic() - self.connected_at < MOST_SECONDS
        )

    def hang_up(self) -> None:
        """Use the connection for nothing new. The last channel that is lent ends it."""
        for client in self.idle:
            client.close()
        self.idle.clear()
        old, self.connection = self.connection, None
        if old is not None and not any(client.connection is old for client in self.lent):
            old.close()

    def take_back(self, client: _Client, *, is_whole: bool) -> None:
        """Keep a client for the next user, or end it."""
        self.lent.remove(client)
        if is_whole and client.sftp.is_open and client.connection is self.connection and self.is_usable():
            self.idle.append(client)
            return
        client.close()
        if client.connection is not self.connection and not any(
            other.connection is client.connection for other in self.lent
        ):
            client.connection.close()


class NodeChannels:
    """The connections of this process. Thread-safe."""

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        self._lines: dict[Hashable, _Line] = {}
        self._lock = threading.Lock()
        self._idle_seconds = idle_seconds

    @contextmanager
    def client(self, key: Hashable, connect: Callable[[], Connection]) -> Iterator[SFTP]:
        """Yield an SFTP client that nobody else uses meanwhile.

        Raises Refused: `node_busy` (429) when all are in use, `node_unreachable` (503).
        """
        with self._lock:
            line = self._lines.setdefault(key, _Line())
            line.users += 1
        try:
            if not line.slots.acquire(timeout=WAIT_SECONDS):
                raise folder_refusals.busy()
            try:
                with self._lent(line, connect) as sftp:
                    yield sftp
            finally:
                line.slots.release()
        finally:
            self._leave(key, line)

    @contextmanager
    def _lent(self, line: _Line, connect: Callable[[], Connection]) -> Iterator[SFTP]:
        client = _open(line, connect)
        is_whole = False
        try:
            yield client.sftp
            is_whole = True
        except Refused as error:
            is_whole = error.status < 500
            raise
        finally:
            with line.lock:
                line.take_back(client, is_whole=is_whole)

    def _leave(self, key: Hashable, line: _Line) -> None:
        with self._lock:
            line.users -= 1
            line.used_at = time.monotonic()
            # One timer, which is a thread, for each line and not for each request.
            if line.users == 0 and not line.is_watched:
                self._look_in(self._idle_seconds, key, line)

    def _look_in(self, seconds: float, key: Hashable, line: _Line) -> None:
        line.is_watched = True
        timer = threading.Timer(seconds, self._close_if_idle, (key, line))
        timer.daemon = True
        timer.start()

    def _close_if_idle(self, key: Hashable, line: _Line) -> None:
        with self._lock:
            line.is_watched = False
            left = line.used_at + self._idle_seconds - time.monotonic()
            if line.users:
                return  # the last of them looks again
            if left > self._idle_seconds * 0.01:
                self._look_in(left, key, line)
                return
            if self._lines.get(key) is line:
                del self._lines[key]
        with line.lock:
            line.hang_up()

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            lines, self._lines = list(self._lines.values()), {}
        for line in lines:
            with line.lock:
                line.hang_up()


def _open(line: _Line, connect: Callable[[], Connection]) -> _Client:
    try:
        with line.lock:
            if not line.is_usable():
                line.hang_up()
                line.connection, line.connected_at = connect(), time.monotonic()
            connection = line.connection
            assert connection is not None  # noqa: S101 - made above
            while line.idle:
                client = line.idle.pop()
                if client.sftp.is_open:
                    line.lent.append(client)
                    return client
                client.close()
            ends = ExitStack()
            client = _Client(ends.enter_context(connection.sftp(ANSWER_SECONDS)), connection, ends)
            line.lent.append(client)
            return client
    except SSHError as error:
        raise folder_refusals.unreachable(f"The node's files cannot be reached: {error}") from error


CHANNELS = NodeChannels()
