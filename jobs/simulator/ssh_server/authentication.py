"""Answer asyncssh's questions about one connection: which keys, which channels."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import asyncssh

from jobs.node_contract.access_document import Reach
from jobs.simulator.ssh_server import forwarding
from jobs.simulator.ssh_server.access_policy import AccessPolicy, ProofKind
from jobs.simulator.ssh_server.connection import NodeConnection
from jobs.simulator.ssh_server.home_keys import HomeKeys
from jobs.simulator.ssh_server.login_keys import LoginKeys, read_home_keys
from jobs.simulator.ssh_server.session import Session


class ConnectionHandler(asyncssh.SSHServer):
    """asyncssh's callbacks for one connection."""

    _connection: NodeConnection

    def __init__(
        self,
        on_open: Callable[[NodeConnection], None],
        on_login: Callable[[], None],
        on_close: Callable[[NodeConnection], None],
    ) -> None:
        self._on_open, self._on_login, self._on_close = on_open, on_login, on_close

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Count the connection. Its source address has been accepted already."""
        assert isinstance(conn, NodeConnection)  # noqa: S101
        self._connection = conn
        self._on_open(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the connection no longer."""
        self._on_close(self._connection)

    async def begin_auth(self, username: str) -> bool:
        """Give the connection its keys. An unknown user gets none, and so the same refusal as a wrong key."""
        connection, node = self._connection, self._connection.node
        if username != node.username:
            keys = LoginKeys(AccessPolicy, Reach.NONE, HomeKeys(), None)
        else:
            home_keys = await read_home_keys(node) if connection.reach is Reach.FULL else HomeKeys()
            cluster_key = node.cluster_key if connection.from_inside else None
            keys = LoginKeys(lambda: node.access, connection.reach, home_keys, cluster_key)
        connection.login_keys = keys
        connection.set_authorized_keys(keys)
        return True

    def public_key_auth_supported(self) -> bool:
        """Allow public keys; there is no other method."""
        return True

    def auth_completed(self) -> None:
        """Record the login, except that of another node of the cluster by the cluster's own key."""
        self._on_login()
        connection, node = self._connection, self._connection.node
        proof = connection.proof
        if proof is None or (connection.from_inside and proof.blob == node.cluster_key):
            return
        if proof.kind is ProofKind.CERTIFICATE:
            proof = replace(proof, certificate_id=connection.certificate_id)
        node.record_login(connection.source, proof)

    def _check_room(self) -> None:
        if reason := self._connection.why_full():
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_RESOURCE_SHORTAGE, reason)

    def session_requested(self) -> Session:
        """Open a session for a shell, a command or sftp."""
        self._check_room()
        return Session(self._connection)

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> Any:
        """Connect to a port (-L and -D)."""
        self._check_room()
        return forwarding.connect(self._connection, dest_host, dest_port)

    def unix_connection_requested(self, dest_path: str) -> Any:
        """Connect to a unix socket (-L)."""
        self._check_room()
        return forwarding.connect_unix(self._connection, dest_path)

    def server_requested(self, listen_host: str, listen_port: int) -> Any:
        """Listen on a port (-R)."""
        return not self._connection.why_full() and forwarding.listen(
            self._connection, listen_host, listen_port
        )

    def unix_server_requested(self, listen_path: str) -> Any:
        """Listen on a unix socket (-R)."""
        return not self._connection.why_full() and forwarding.listen_unix(self._connection, listen_path)
