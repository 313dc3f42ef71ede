"""Forward ports and unix sockets (-L, -R, -D): every socket is opened inside the node by its agent."""

import asyncio
import socket
from collections.abc import Awaitable
from typing import Any

import asyncssh
from asyncssh.forward import SSHForwarder, SSHLocalPathForwarder, SSHLocalPortForwarder
from asyncssh.listener import SSHForwardListener

from jobs.simulator.sandbox.agent_client import AgentError
from jobs.simulator.sandbox.fd_channel import ChannelClosed
from jobs.simulator.ssh_server.connection import NodeConnection

LOOPBACK_NAMES = ("localhost", "127.0.0.1")


class ForwardedSocket(SSHForwarder):
    """The socket's half of a forwarded connection. Reads while neither its channel nor the connection is full."""

    def __init__(self, connection: NodeConnection) -> None:
        SSHForwarder.__init__(self)  # by name: the subclasses below have another parent, which expects more
        self._connection = connection
        self._holders: set[str] = set()
        connection.forwards.add(self)

    def _hold(self, holder: str, held: bool) -> None:
        before = bool(self._holders)
        if held:
            self._holders.add(holder)
        else:
            self._holders.discard(holder)
        if self._transport is not None and bool(self._holders) != before:
            if self._holders:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def pause_reading(self) -> None:
        """Stop reading: the channel is full."""
        self._hold("channel", True)

    def resume_reading(self) -> None:
        """Read again: the channel has room."""
        self._hold("channel", False)

    def hold(self, held: bool) -> None:
        """Stop reading, or read again: the whole connection is full, or no longer."""
        self._hold("connection", held)

    def close(self) -> None:
        """Close the socket and count it no longer."""
        self._connection.forwards.discard(self)
        super().close()


class AcceptedSocket(ForwardedSocket):
    """A connection that someone on the node made; aborted if that would be one channel too many."""

    def connection_made(self, transport: Any) -> None:
        """Go on, or hang up."""
        if self._connection.why_full():
            transport.abort()
            self.close()
        else:
            super().connection_made(transport)


class AcceptedPort(AcceptedSocket, SSHLocalPortForwarder):
    """An accepted connection to a TCP port that the client asked to listen on."""

    def __init__(self, connection: NodeConnection, coro: Any) -> None:
        ForwardedSocket.__init__(self, connection)
        self._conn, self._coro = connection, coro


class AcceptedPath(AcceptedSocket, SSHLocalPathForwarder):
    """An accepted connection to a unix socket."""

    def __init__(self, connection: NodeConnection, coro: Any) -> None:
        ForwardedSocket.__init__(self, connection)
        self._conn, self._coro = connection, coro


async def connect(connection: NodeConnection, host: str, port: int) -> SSHForwarder:
    """Connect to a port as the node sees it (-L and -D). Raises ChannelOpenError."""
    return await _forward(connection, connection.node.agent().connect(host, port))


async def connect_unix(connection: NodeConnection, path: str) -> SSHForwarder:
    """Connect to a unix socket of the node (-L). Raises ChannelOpenError."""
    return await _forward(connection, connection.node.agent().connect_unix(path))


async def _forward(connection: NodeConnection, connecting: Awaitable[socket.socket]) -> SSHForwarder:
    loop = asyncio.get_running_loop()
    try:
        connected = await connecting
        is_unix = connected.family == socket.AF_UNIX
        create = loop.create_unix_connection if is_unix else loop.create_connection
        _, node_side = await create(lambda: ForwardedSocket(connection), sock=connected)
    except (AgentError, ChannelClosed, OSError) as error:
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, str(error)) from None
    return SSHForwarder(node_side)


async def listen(connection: NodeConnection, host: str, port: int) -> SSHForwardListener | bool:
    """Listen on a port inside the node (-R); each connection there becomes a channel. False if it cannot be had."""

    async def tunnel(session_factory: Any, orig_host: str, orig_port: int) -> Any:
        return await connection.create_connection(session_factory, host, port, orig_host, orig_port)

    try:
        listener = await connection.node.agent().listen("" if host in LOOPBACK_NAMES else host, port)
        bound = int(listener.getsockname()[1])
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: AcceptedPort(connection, tunnel), sock=listener)
    except (AgentError, ChannelClosed, OSError):
        return False
    return SSHForwardListener(connection, [server], (host, port), bound)


async def listen_unix(connection: NodeConnection, path: str) -> SSHForwardListener | bool:
    """Listen on a unix socket inside the node (-R). False if it cannot be had."""

    async def tunnel(session_factory: Any) -> Any:
        return await connection.create_unix_connection(session_factory, path)

    try:
        listener, _ = await connection.node.agent().listen_unix(path)
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(lambda: AcceptedPath(connection, tunnel), sock=listener)
    except (AgentError, ChannelClosed, OSError):
        return False
    return SSHForwardListener(connection, [server], path)
