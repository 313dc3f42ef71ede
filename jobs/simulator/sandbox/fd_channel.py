"""Exchange JSON lines and open descriptors with launchers and agents over a unix socket.

What arrives is written by a process on the other side of the sandbox, so nothing in it is trusted: lines are bounded,
descriptors are counted, and anything malformed closes the channel.
"""

import array
import asyncio
import json
import os
import socket
from collections import deque
from collections.abc import Callable
from typing import Any

LONGEST_LINE = 4 << 20
MAX_DESCRIPTORS = 64


class ChannelClosed(Exception):
    """The process on the other side has ended. For an agent: the node has no power."""


class FdChannel:
    """One end of the socket. Calls `on_message` for every line with its descriptors, and `on_close` once."""

    def __init__(
        self,
        sock: socket.socket,
        on_message: Callable[[dict[str, Any], list[int]], None],
        on_close: Callable[[], None],
    ) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._on_message, self._on_close = on_message, on_close
        self._buffer = b""
        self._arrived: deque[tuple[list[int], bool]] = deque()  # one line's descriptors; whether they are all
        self._outgoing: deque[tuple[bytes, list[int]]] = deque()
        self.closed = False
        sock.setblocking(False)
        self._loop.add_reader(sock, self._readable)

    def send(self, message: dict[str, Any], descriptors: list[int] | None = None) -> None:
        """Queue one message. Its descriptors are duplicated: the caller may close its own at once."""
        if self.closed:
            raise ChannelClosed
        copies = [os.dup(descriptor) for descriptor in descriptors or []]
        self._outgoing.append((json.dumps(message).encode() + b"\n", copies))
        self._flush()

    def _flush(self) -> None:
        while self._outgoing:
            data, descriptors = self._outgoing[0]
            rights = (
                [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
            )
            try:
                sent = self._sock.sendmsg([data], rights)
            except BlockingIOError:
                self._loop.add_writer(self._sock, self._flush)
                return
            except OSError:
                self.close()
                return
            for descriptor in descriptors:
                os.close(descriptor)
            if sent < len(data):
                self._outgoing[0] = (data[sent:], [])
            else:
                self._outgoing.popleft()
        self._loop.remove_writer(self._sock)

    def _readable(self) -> None:
        try:
            data, rights, flags, _ = self._sock.recvmsg(65536, socket.CMSG_SPACE(MAX_DESCRIPTORS * 4))
        except BlockingIOError:
            return
        except OSError:
            data, rights, flags = b"", [], 0
        arrived = _descriptors_of(rights)
        # One call never spans the descriptors of two lines. If this process has none left, the kernel drops some.
        if arrived or flags & socket.MSG_CTRUNC:
            self._arrived.append((arrived, not flags & socket.MSG_CTRUNC))
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if not data or len(self._buffer) > LONGEST_LINE or self._unclaimed() > MAX_DESCRIPTORS:
            self.close()
            return
        for line in lines:
            try:
                message = json.loads(line)
                expected = int(message.get("fds", 0))
            except (ValueError, AttributeError, TypeError):
                self.close()
                return
            self._on_message(message, self._claim(message, expected) if expected else [])

    def _unclaimed(self) -> int:
        return sum(max(1, len(descriptors)) for descriptors, _ in self._arrived)

    def _claim(self, message: dict[str, Any], expected: int) -> list[int]:
        """Return a message's descriptors. If some are missing, only this message becomes an error."""
        descriptors, complete = self._arrived.popleft() if self._arrived else ([], False)
        if complete and len(descriptors) == expected:
            return descriptors
        for descriptor in descriptors:
            os.close(descriptor)
        message["error"] = "too many files are open on this machine; try again later"
        return []

    def close(self) -> None:
        """Close the channel and every descriptor that nobody claimed."""
        if self.closed:
            return
        self.closed = True
        self._loop.remove_reader(self._sock)
        self._loop.remove_writer(self._sock)
        self._sock.close()
        unused = [descriptors for descriptors, _ in self._arrived] + [copies for _, copies in self._outgoing]
        for descriptor in [descriptor for descriptors in unused for descriptor in descriptors]:
            os.close(descriptor)
        self._arrived.clear()
        self._outgoing.clear()
        self._on_close()


def _descriptors_of(rights: list[tuple[int, int, bytes]]) -> list[int]:
    """Return the descriptors that came with a message, not inherited by programs this process starts."""
    found: list[int] = []
    for level, kind, payload in rights:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            numbers = array.array("i")
            numbers.frombytes(payload[: len(payload) - len(payload) % numbers.itemsize])
            for number in numbers:
                os.set_inheritable(number, False)
            found += numbers
    return found
