"""JSON lines and open descriptors over a unix socket: how the simulator talks to racks and agents.

What comes back is written by a process on the other side of the sandbox's wall, so nothing in it is trusted: lines are
bounded, descriptors are counted, and anything odd ends the conversation.
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
MOST_DESCRIPTORS = 64


class Gone(Exception):
    """The other side has ended (for a node: its plug was pulled)."""


class Wire:
    """One end of the conversation; calls back for every line and once at the end."""

    def __init__(
        self,
        sock: socket.socket,
        on_line: Callable[[dict[str, Any], list[int]], None],
        on_end: Callable[[], None],
    ) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._on_line, self._on_end = on_line, on_end
        self._buffer = b""
        self._arrived: deque[tuple[list[int], bool]] = deque()  # one line's descriptors, and are they all?
        self._outgoing: deque[tuple[bytes, list[int]]] = deque()
        self.closed = False
        sock.setblocking(False)
        self._loop.add_reader(sock, self._readable)

    def send(self, line: dict[str, Any], descriptors: list[int] | None = None) -> None:
        """Queue one line; descriptors are copied by the kernel and stay the caller's to close once sent."""
        if self.closed:
            raise Gone
        kept = [os.dup(descriptor) for descriptor in descriptors or []]
        self._outgoing.append((json.dumps(line).encode() + b"\n", kept))
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
            data, rights, flags, _ = self._sock.recvmsg(65536, socket.CMSG_SPACE(MOST_DESCRIPTORS * 4))
        except BlockingIOError:
            return
        except OSError:
            data, rights, flags = b"", [], 0
        arrived: list[int] = []
        for level, kind, payload in rights:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                numbers = array.array("i")
                numbers.frombytes(payload[: len(payload) - len(payload) % numbers.itemsize])
                for number in numbers:
                    os.set_inheritable(number, False)
                arrived += numbers
        # One call never spans the descriptors of two lines. With none left to this process the kernel drops some.
        if arrived or flags & socket.MSG_CTRUNC:
            self._arrived.append((arrived, not flags & socket.MSG_CTRUNC))
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if not data or len(self._buffer) > LONGEST_LINE or self._waiting() > MOST_DESCRIPTORS:
            self.close()
            return
        for text in lines:
            try:
                line = json.loads(text)
                wanted = int(line.get("fds", 0))
            except (ValueError, AttributeError, TypeError):
                self.close()
                return
            self._on_line(line, self._take(line, wanted) if wanted else [])

    def _waiting(self) -> int:
        return sum(max(1, len(descriptors)) for descriptors, _ in self._arrived)

    def _take(self, line: dict[str, Any], wanted: int) -> list[int]:
        """The descriptors of a line. When some are missing only this line is an error, and the others are closed."""
        descriptors, whole = self._arrived.popleft() if self._arrived else ([], False)
        if whole and len(descriptors) == wanted:
            return descriptors
        for descriptor in descriptors:
            os.close(descriptor)
        line["error"] = "too many files are open on this machine; try again later"
        return []

    def close(self) -> None:
        """End the conversation; what was not taken is closed."""
        if self.closed:
            return
        self.closed = True
        self._loop.remove_reader(self._sock)
        self._loop.remove_writer(self._sock)
        self._sock.close()
        unused = [numbers for numbers, _ in self._arrived] + [kept for _, kept in self._outgoing]
        for descriptor in [number for numbers in unused for number in numbers]:
            os.close(descriptor)
        self._arrived.clear()
        self._outgoing.clear()
        self._on_end()
