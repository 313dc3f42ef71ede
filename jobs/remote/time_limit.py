"""Limit how long work on a connection may take in all, whatever the node does.

A timeout per request is not enough: a node that sends one byte a second answers every one of them in time.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from sshgateway.ssh.errors import CommandTimedOut
from sshgateway.ssh.transport import Connection


class Closable(Protocol):
    """A connection or a channel: what waits for it ends when it is closed."""

    def close(self) -> object:
        """Close it."""


@contextmanager
def limited(connection: Closable, seconds: float, what: str) -> Iterator[None]:
    """Close the connection if the block is not done within `seconds`, which ends it with CommandTimedOut."""
    closed = threading.Event()

    def close() -> None:
        closed.set()
        connection.close()

    timer = threading.Timer(seconds, close)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        if closed.is_set():
            raise CommandTimedOut(f"{what} was not done within {seconds:g} s.") from error
        raise
    finally:
        timer.cancel()


@contextmanager
def ended_when(connection: Connection, is_over: Callable[[], bool], every_seconds: float) -> Iterator[None]:
    """Close the connection as soon as `is_over` returns True, which ends a block that waits for the node.

    `is_over` is called in a thread of its own, until the block is done.
    """
    done = threading.Event()

    def watch() -> None:
        while not done.wait(every_seconds):
            if is_over():
                connection.close()
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


class TransferTime:
    """The time that a node may take to send files: some seconds at the start, and more as bytes arrive.

    Only the time inside `waiting` counts, so that our own storage may be slow. Time saved by a fast transfer is not
    kept for a slow one. Use it as a context manager; a node that uses up its time has its connection closed.
    """

    def __init__(
        self, connection: Connection, *, seconds: float, bytes_per_second: float, check_seconds: float = 0.25
    ) -> None:
        self._connection, self._most, self._rate = connection, seconds, bytes_per_second
        self._left = seconds
        self._until: float | None = None
        self._done, self._used_up, self._check_seconds = threading.Event(), False, check_seconds
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "TransferTime":
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._watcher.join()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time of the block. Raises CommandTimedOut if it was used up."""
        self._until = time.monotonic() + self._left
        try:
            yield
        except Exception as error:
            if self._used_up:
                raise self._error() from error
            raise
        finally:
            self._left, self._until = self._until - time.monotonic(), None
        if self._left <= 0:
            raise self._error()

    def received(self, size: int) -> None:
        """Note, inside `waiting`, that `size` bytes arrived."""
        if self._until is not None:
            self._until = min(time.monotonic() + self._most, self._until + size / self._rate)

    def _error(self) -> CommandTimedOut:
        return CommandTimedOut(f"{self._connection.target.where} sends files more slowly than is waited for.")

    def _watch(self) -> None:
        while not self._done.wait(self._check_seconds):
            until = self._until
            if until is not None and time.monotonic() > until:
                self._used_up = True
                self._connection.close()
                return
