"""A node's SSH server: listens outside and inside the cluster, limits its connections, and ends those from outside
that are no longer allowed."""

import asyncio
import socket

import asyncssh

from jobs.node_contract.access_document import Reach
from jobs.simulator.ssh_server.address_filter import AddressFilter
from jobs.simulator.ssh_server.agent_and_x11 import ForwardingConnection
from jobs.simulator.ssh_server.authentication import ConnectionHandler
from jobs.simulator.ssh_server.connection import NodeConnection
from jobs.simulator.ssh_server.host_identity import HostIdentity
from jobs.simulator.ssh_server.login_keys import read_home_keys
from jobs.simulator.ssh_server.served_node import ServedNode

MAX_UNAUTHENTICATED = 100
MAX_CONNECTIONS = 1000
OUTSIDE_BACKLOG, INSIDE_BACKLOG = 256, 64
RULES_CHANGED = "The access rules of this cluster have changed"


class NodeServer:
    """The server of one node and its live connections."""

    def __init__(self, node: ServedNode, host_key: asyncssh.SSHKey) -> None:
        self._node = node
        self.identity = HostIdentity(host_key)
        self._connections: set[NodeConnection] = set()
        self._unauthenticated = 0
        self._listeners: list[asyncio.AbstractServer] = []

    # -- listening --------------------------------------------------------------------------------

    async def listen(self, bound: socket.socket, *, from_inside: bool) -> None:
        """Accept connections on a bound socket. `from_inside`: they come from nodes of the cluster."""
        loop = asyncio.get_running_loop()
        backlog = INSIDE_BACKLOG if from_inside else OUTSIDE_BACKLOG
        self._listeners.append(
            await loop.create_server(lambda: AddressFilter(self, from_inside), sock=bound, backlog=backlog)
        )

    def stop_listening(self) -> None:
        """Accept no more connections; those that are open stay."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()

    # -- what the address filter asks -------------------------------------------------------------

    def can_accept(self) -> bool:
        """Return whether the server is ready and has room for another connection."""
        return (
            self.identity.options is not None
            and self._unauthenticated < MAX_UNAUTHENTICATED
            and len(self._connections) < MAX_CONNECTIONS
        )

    def reach(self, address: str) -> Reach:
        """Return how far a source address gets."""
        return self._node.access.reach(address)

    def refusal(self, address: str) -> str:
        """Return the sentence for a source address that gets nowhere."""
        return self._node.access.sources.refusal(address)

    def start_connection(self, transport: asyncio.Transport, reach: Reach, from_inside: bool) -> None:
        """Speak SSH on this transport from now on."""
        options = self.identity.options
        assert options is not None  # noqa: S101 - `can_accept` said so
        self._unauthenticated += 1
        is_pending = True

        def settle() -> None:
            nonlocal is_pending
            if is_pending:
                is_pending = False
                self._unauthenticated -= 1

        def closed(connection: NodeConnection) -> None:
            self._connections.discard(connection)
            settle()

        options.protocol_factory = lambda: ConnectionHandler(self._connections.add, settle, closed)
        connection = ForwardingConnection(asyncio.get_running_loop(), options)
        connection.attach(self._node, reach, from_inside)
        transport.set_protocol(connection)
        connection.connection_made(transport)

    # -- live connections -------------------------------------------------------------------------

    @property
    def channel_count(self) -> int:
        """How many channels are open on all connections."""
        return sum(connection.channel_count for connection in self._connections)

    async def recheck_access(self) -> None:
        """End live connections that the access document no longer allows, each with the reason."""
        if not self._connections:
            return
        home_keys = await read_home_keys(self._node)
        policy = self._node.access
        for connection in list(self._connections):
            if connection.from_inside:
                continue
            if connection.proof is None:
                if policy.reach(connection.source) is not connection.reach:
                    connection.disconnect_with(RULES_CHANGED)
            elif reason := policy.why_revoked(connection.proof, connection.source, home_keys):
                connection.disconnect_with(reason)

    async def wait_for_sessions(self, seconds: float) -> None:
        """Wait until every session has ended, at most so many seconds."""
        sessions = [session.done for connection in self._connections for session in connection.sessions]
        if sessions:
            await asyncio.wait(sessions, timeout=seconds)

    def disconnect_all(self, reason: str) -> None:
        """End every connection and tell its client why."""
        for connection in list(self._connections):
            connection.disconnect_with(reason)

    def close(self) -> None:
        """Stop listening and end every connection at once."""
        self.stop_listening()
        for connection in list(self._connections):
            connection.abort()
