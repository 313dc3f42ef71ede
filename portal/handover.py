"""Hand a connection that one process accepted to another process. Unix only.

Web accepts every connection of the portal. It hands a terminal's websocket to the gateway that the path names, over a
unix socket: the bytes of the request and the connection itself (SCM_RIGHTS). After that web is not involved, so it
neither slows a terminal down nor ends it by stopping.
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

# The request line and headers; browsers send about two kB.
LONGEST_REQUEST = 64 * 1024
READ_SECONDS = 5.0
BACKLOG = 512
_LENGTH = struct.Struct(">I")
_TERMINAL = re.compile(rb"GET /ws/gateways/([A-Za-z0-9_-]{1,40})/terminal-sessions/")

ServeConnection = Callable[[socket.socket, bytes], Awaitable[None]]


def requested_gateway(request: bytes) -> str:
    """Return the gateway that a websocket request is for; empty if it is for none."""
    match = _TERMINAL.match(request)
    return match.group(1).decode("ascii") if match else ""


def socket_path(folder: str, name: str) -> Path:
    """Return the path of the unix socket where a gateway accepts connections."""
    return Path(folder) / f"gateway-{name}.sock"


def send_connection(path: Path, connection: int, request: bytes) -> None:
    """Send a connection (its file descriptor) and what was read of it. Raises OSError; never blocks."""
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


class ConnectionReceiver:
    """Receives connections at `path` and gives each to `serve` with its request. Make it on the event loop."""

    def __init__(self, path: Path, serve: ServeConnection) -> None:
        self._serve = serve
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._path = path
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        umask = os.umask(0o177)
        try:
            self._listener.bind(str(path))
        finally:
            os.umask(umask)
        self._listener.listen(BACKLOG)
        self._listener.setblocking(False)
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def close(self) -> None:
        """Receive no more connections."""
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
        descriptors: list[int] = []
        try:
            async with asyncio.timeout(READ_SECONDS):
                request = await self._read_request(sender, descriptors)
            if not request:  # somebody checked whether this gateway runs
                return
            await self._serve(socket.socket(fileno=descriptors.pop()), request)
        except (OSError, TimeoutError, ValueError, IndexError) as error:
            log.warning("A connection that was handed over did not arrive: %r", error)
        finally:
            sender.close()
            for descriptor in descriptors:
                os.close(descriptor)

    async def _read_request(self, sender: socket.socket, descriptors: list[int]) -> bytes:
        message = b""
        size = _LENGTH.size
        while len(message) < size:
            try:
                more, received, _, _ = socket.recv_fds(sender, size - len(message), 4)
            except BlockingIOError:
                await self._wait_readable(sender)
                continue
            descriptors += received
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

    async def _wait_readable(self, sender: socket.socket) -> None:
        ready = self._loop.create_future()
        self._loop.add_reader(sender.fileno(), lambda: None if ready.done() else ready.set_result(None))
        try:
            await ready
        finally:
            self._loop.remove_reader(sender.fileno())
