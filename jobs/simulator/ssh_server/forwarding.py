"""-L, -R and -D, agent and X11 forwarding: every socket is opened inside the node, by its agent, never out here."""

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import asyncssh
from asyncssh.forward import SSHForwarder, SSHLocalPathForwarder, SSHLocalPortForwarder
from asyncssh.listener import SSHForwardListener
from asyncssh.x11 import SSHX11ServerListener

from jobs.simulator.sandbox.agent_client import Failed
from jobs.simulator.sandbox.fd_channel import Gone

if TYPE_CHECKING:
    from jobs.simulator.ssh_server.server import NodeConnection

FIRST_DISPLAY, LAST_DISPLAY, X11_PORT = 10, 64, 6000
LONGEST_COOKIE = 4096


class NodeSide(SSHForwarder):
    """The socket's half of a forwarded connection; reads while neither the channel nor the whole connection is full."""

    def __init__(self, connection: "NodeConnection") -> None:
        SSHForwarder.__init__(self)  # by name: the halves below have another parent, which wants more
        self._connection = connection
        self._holders: set[str] = set()
        connection.forwards.add(self)

    def _hold(self, by: str, held: bool) -> None:
        before = bool(self._holders)
        if held:
            self._holders.add(by)
        else:
            self._holders.discard(by)
        if self._transport is not None and bool(self._holders) != before:
            if self._holders:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def pause_reading(self) -> None:
        """The channel is full."""
        self._hold("channel", True)

    def resume_reading(self) -> None:
        """The channel takes more."""
        self._hold("channel", False)

    def hold(self, held: bool) -> None:
        """The whole connection is (no longer) full."""
        self._hold("connection", held)

    def close(self) -> None:
        """Forget this half, too."""
        self._connection.forwards.discard(self)
        super().close()


class Accepted(NodeSide):
    """Someone on the node connected; refused when that would be a channel too many."""

    def connection_made(self, transport: Any) -> None:
        """Go on, or hang up."""
        if self._connection.overfull():
            transport.abort()
            self.close()
        else:
            super().connection_made(transport)


class AcceptedPort(Accepted, SSHLocalPortForwarder):
    """A connection someone on the node made to a port the client asked us to listen on."""

    def __init__(self, connection: "NodeConnection", coro: Any) -> None:
        NodeSide.__init__(self, connection)
        self._conn, self._coro = connection, coro


class AcceptedPath(Accepted, SSHLocalPathForwarder):
    """The same for a unix socket."""

    def __init__(self, connection: "NodeConnection", coro: Any) -> None:
        NodeSide.__init__(self, connection)
        self._conn, self._coro = connection, coro


async def _forward(connection: "NodeConnection", dialled: socket.socket) -> SSHForwarder:
    loop = asyncio.get_running_loop()
    make = loop.create_unix_connection if dialled.family == socket.AF_UNIX else loop.create_connection
    _, node_side = await make(lambda: NodeSide(connection), sock=dialled)
    return SSHForwarder(node_side)


async def dial(connection: "NodeConnection", host: str, port: int) -> SSHForwarder:
    """-L and -D: connect to a port as the node sees it."""
    try:
        return await _forward(connection, await connection.node.machine().dial(host, port))
    except (Failed, Gone, OSError) as error:
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, str(error)) from None


async def dial_unix(connection: "NodeConnection", path: str) -> SSHForwarder:
    """-L to a unix socket of the node."""
    try:
        return await _forward(connection, await connection.node.machine().dial_unix(path))
    except (Failed, Gone, OSError) as error:
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, str(error)) from None


async def listen(connection: "NodeConnection", host: str, port: int) -> SSHForwardListener | bool:
    """-R: listen inside the node; each connection there becomes a channel to the client."""

    async def tunnel(session_factory: Any, orig_host: str, orig_port: int) -> Any:
        return await connection.create_connection(session_factory, host, port, orig_host, orig_port)

    try:
        listener = await connection.node.machine().listen(
            "" if host in ("localhost", "127.0.0.1") else host, port
        )
        bound = int(listener.getsockname()[1])
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: AcceptedPort(connection, tunnel), sock=listener)
    except (Failed, Gone, OSError):
        return False
    return SSHForwardListener(connection, [server], (host, port), bound)


async def listen_unix(connection: "NodeConnection", path: str) -> SSHForwardListener | bool:
    """-R on a unix socket of the node."""

    async def tunnel(session_factory: Any) -> Any:
        return await connection.create_unix_connection(session_factory, path)

    try:
        listener, _ = await connection.node.machine().listen_unix(path)
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(lambda: AcceptedPath(connection, tunnel), sock=listener)
    except (Failed, Gone, OSError):
        return False
    return SSHForwardListener(connection, [server], path)


class AgentSocket:
    """The socket in the node behind which the client's own ssh-agent answers."""

    def __init__(self, path: str, server: asyncio.AbstractServer) -> None:
        self._path, self._server = path, server

    def get_path(self) -> str:
        """Its path, for SSH_AUTH_SOCK."""
        return self._path

    def close(self) -> None:
        """Stop listening."""
        self._server.close()


async def agent_socket(connection: "NodeConnection") -> AgentSocket | None:
    """Make the socket for a client that forwards its agent."""
    try:
        listener, path = await connection.node.machine().listen_unix()
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(
            lambda: AcceptedPath(connection, connection.create_agent_connection), sock=listener
        )
    except (Failed, Gone, OSError):
        return None
    return AgentSocket(path, server)


async def x11_display(
    connection: "NodeConnection", protocol: bytes, cookie: bytes
) -> SSHX11ServerListener | None:
    """A display in the node that leads to the client's X server; its cookie goes into the home's ~/.Xauthority."""
    machine, loop = connection.node.machine(), asyncio.get_running_loop()
    if len(protocol) > LONGEST_COOKIE or len(cookie) > LONGEST_COOKIE:
        return None
    for number in range(FIRST_DISPLAY, LAST_DISPLAY):
        port = X11_PORT + number
        try:
            listener = await machine.listen("127.0.0.1", port)
        except Failed:
            continue
        try:
            server = await loop.create_server(
                lambda: AcceptedPort(connection, connection.create_x11_connection), sock=listener
            )
            entry = {"display": str(number), "protocol": protocol.decode("ascii"), "cookie": cookie.hex()}
            await machine.ask("cookie", {"path": f"{connection.node.home}/.Xauthority", **entry})
        except (Failed, OSError, ValueError):
            listener.close()
            return None
        forward = SSHForwardListener(connection, [server], ("127.0.0.1", port), port)
        return SSHX11ServerListener(forward, f"localhost:{number}")
    return None
