"""Forward the client's ssh-agent and X display into the node."""

import asyncio
from typing import Any

from asyncssh.listener import SSHForwardListener
from asyncssh.x11 import SSHX11ServerListener

from jobs.simulator.sandbox.agent_client import AgentError
from jobs.simulator.sandbox.fd_channel import ChannelClosed
from jobs.simulator.ssh_server.connection import NodeConnection
from jobs.simulator.ssh_server.forwarding import AcceptedPath, AcceptedPort

FIRST_DISPLAY, LAST_DISPLAY, X11_PORT = 10, 64, 6000
LONGEST_COOKIE = 4096


class AgentSocket:
    """A socket in the node that leads to the client's own ssh-agent."""

    def __init__(self, path: str, server: asyncio.AbstractServer) -> None:
        self._path, self._server = path, server

    def get_path(self) -> str:
        """Return its path, for SSH_AUTH_SOCK."""
        return self._path

    def close(self) -> None:
        """Stop listening."""
        self._server.close()


class ForwardingConnection(NodeConnection):
    """A connection that also forwards the client's agent and display."""

    async def create_agent_listener(self) -> bool:
        """Forward the client's agent, with the socket inside the node. False if it may not or cannot be."""
        if not self._is_permitted("agent-forwarding"):
            return False
        if self._agent_listener is None:
            self._agent_listener = await _agent_socket(self)  # type: ignore[assignment]
        return self._agent_listener is not None

    async def attach_x11_listener(
        self, chan: Any, auth_proto: bytes, auth_data: bytes, screen: int
    ) -> str | None:
        """Forward the client's display, with the listener inside the node. None if it may not or cannot be."""
        if not self._is_permitted("X11-forwarding"):
            return None
        if self._x11_listener is None:
            try:
                self._x11_listener = await _x11_display(self, auth_proto, auth_data)
            except ChannelClosed:
                return None
        return self._x11_listener.attach(chan, screen) if self._x11_listener else None

    def _is_permitted(self, permission: str) -> bool:
        return self.check_key_permission(permission) and self.check_certificate_permission(permission)


async def _agent_socket(connection: NodeConnection) -> AgentSocket | None:
    try:
        listener, path = await connection.node.agent().listen_unix()
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(
            lambda: AcceptedPath(connection, connection.create_agent_connection), sock=listener
        )
    except (AgentError, ChannelClosed, OSError):
        return None
    return AgentSocket(path, server)


async def _x11_display(
    connection: NodeConnection, protocol: bytes, cookie: bytes
) -> SSHX11ServerListener | None:
    """Make a display in the node; its cookie is added to the home's ~/.Xauthority. None if it cannot be had."""
    agent, loop = connection.node.agent(), asyncio.get_running_loop()
    if len(protocol) > LONGEST_COOKIE or len(cookie) > LONGEST_COOKIE:
        return None
    for number in range(FIRST_DISPLAY, LAST_DISPLAY):
        port = X11_PORT + number
        try:
            listener = await agent.listen("127.0.0.1", port)
        except AgentError:
            continue
        try:
            server = await loop.create_server(
                lambda: AcceptedPort(connection, connection.create_x11_connection), sock=listener
            )
            entry = {"display": str(number), "protocol": protocol.decode("ascii"), "cookie": cookie.hex()}
            await agent.request("add_cookie", {"path": f"{connection.node.home}/.Xauthority", **entry})
        except (AgentError, OSError, ValueError):
            listener.close()
            return None
        forward = SSHForwardListener(connection, [server], ("127.0.0.1", port), port)
        return SSHX11ServerListener(forward, f"localhost:{number}")
    return None
