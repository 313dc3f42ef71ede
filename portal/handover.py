"""A connection that one process accepted is passed to another, which holds it from then on. Unix only.

Web accepts every connection of the portal. A websocket of a terminal it passes to the gateway its path names, over a
unix socket: the request's bytes, and with them the connection itself (SCM_RIGHTS). Nothing runs through web after
that, so it neither slows a terminal down nor ends it by stopping.
"""

import asyncio
import contextlib
import logging
import os
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

log = logging.getLogger(__name__)

# A request's line and headers; browsers send some two kB.
LONGEST_REQUEST = 64 * 1024
READ_SECONDS = 5.0
BACKLOG = 512
_LENGTH = struct.Struct(">I")
_TERMINAL = re.compile(rb"GET /ws/gateways/([A-Za-z0-9_-]{1,40})/terminal-sessions/")

Take = Callable[[socket.socket, bytes], Awaitable[None]]


def gateway_of(request: bytes) -> str:
    """The gateway a websocket's request is for; empty when it is for none."""
    found = _TERMINAL.match(request)
    return found.group(1).decode("ascii") if found else ""


def path_of(folder: str, name: str) -> Path:
    """Where a gateway takes connections."""
    return Path(folder) / f"gateway-{name}.sock"


def pass_on(path: Path, connection: int, request: bytes) -> None:
    """Pass a connection (its file descriptor) and what was read of it. Raises OSError; never waits."""
    if len(request) > LONGEST_REQUEST:
        raise OSError("the request is too long")
    message = _LENGTH.pack(len(request)) + request
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sender:
        sender.setblocking(False)
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * LONGEST_REQUEST)
        sender.connect(str(path))
        sent = socket.send_fds(sender, [message], [connection])
        if sent < len(message):
            raise OSError("the gateway does not read")


class Receiver:
    """Takes connections at `path` and gives each to `take` with its request. Make it on the event loop."""

    def __init__(self, path: Path, take: Take) -> None:
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._path = path
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            self._listener.bind(str(path))
        finally:
            os.umask(before)
        self._listener.listen(BACKLOG)
        self._listener.setblocking(False)
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def close(self) -> None:
        """Take no more."""
        self._loop.remove_reader(self._listener.fileno())
        self._listener.close()
        self._path.unlink(missing_ok=True)
        for task in self._tasks:
            task.cancel()

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                sender, _ = self._listener.accept()
                task = self._loop.create_task(self._receive(sender))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _receive(self, sender: socket.socket) -> None:
        sender.setblocking(False)
        got: list[int] = []
        try:
            async with asyncio.timeout(READ_SECONDS):
                request = await self._read(sender, got)
            if not request:  # somebody looked whether we are here
                return
            await self._take(socket.socket(fileno=got.pop()), request)
        except (OSError, TimeoutError, ValueError, IndexError) as error:
            log.warning("A connection that was passed on did not arrive: %r", error)
        finally:
            sender.close()
            for number in got:
                os.close(number)

    async def _read(self, sender: socket.socket, got: list[int]) -> bytes:
        message = b""
        size = _LENGTH.size
        while len(message) < size:
            try:
                more, numbers, _, _ = socket.recv_fds(sender, size - len(message), 4)
            except BlockingIOError:
                await self._readable(sender)
                continue
            got += numbers
            if not more and not message:
                return b""
            if not more:
                raise OSError("it ended early")
            message += more
            if len(message) == _LENGTH.size == size:
                size += _LENGTH.unpack(message)[0]
                if size > LONGEST_REQUEST + _LENGTH.size:
                    raise ValueError("the request is too long")
        return message[_LENGTH.size :]

    async def _readable(self, sender: socket.socket) -> None:
        ready = self._loop.create_future()
        self._loop.add_reader(sender.fileno(), lambda: None if ready.done() else ready.set_result(None))
        try:
            await ready
        finally:
            self._loop.remove_reader(sender.fileno())
