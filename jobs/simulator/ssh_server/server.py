"""A node's SSH server: who is at the door, what they may use to get in, and how they are shown out."""

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

import asyncssh

from jobs.simulator.sandbox import limits
from jobs.simulator.sandbox.fd_channel import Gone
from jobs.simulator.ssh_server import forwarding
from jobs.simulator.ssh_server.access_document import Door, HomeKeys, KeyRing, plain, refusal
from jobs.simulator.ssh_server.session import Session

if TYPE_CHECKING:
    from jobs.simulator.cloud.node import Node
    from jobs.simulator.ssh_server.forwarding import NodeSide

log = logging.getLogger("simulator")
VERSION = "Headnode-simulator"
# GCM first: with AES instructions it is the fastest by far. A client's own order decides in the end.
CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
)
LOGIN_SECONDS = 30
LINGER_SECONDS = 2.0
MOST_UNPROVEN = 100
MOST_CONNECTIONS = 1000
HOME_KEYS_LIMIT = 1 << 16
READ_SECONDS = 2
DISCONNECT, IGNORE, BY_APPLICATION, NOT_ALLOWED = 1, 2, 11, 1


class NodeConnection(asyncssh.SSHServerConnection):
    """One SSH connection to a node. Whatever it opens is opened by the node's agent."""

    node: "Node"
    door: Door
    inside: bool
    ring: KeyRing | None = None

    def attach(self, node: "Node", door: Door, inside: bool) -> None:
        """Say which node this is a connection to, and how far its source address gets."""
        self.node, self.door, self.inside = node, door, inside
        self.sessions: set[Session] = set()
        self.forwards: set[NodeSide] = set()

    @property
    def source(self) -> str:
        """The address this connection comes from."""
        return plain(str(self.get_extra_info("peername")[0]))

    def overfull(self) -> str:
        """Why this connection may open no other channel; an empty text while it may."""
        mine = max(len(self._channels), len(self.sessions) + len(self.forwards)) + len(self._local_listeners)
        return limits.refusal(mine, self.node.cluster.channels())

    def pause_writing(self) -> None:
        """The client does not read: stop reading everything that would be sent to it."""
        for session in self.sessions:
            session.hold(True)
        for forward in self.forwards:
            forward.hold(True)

    def resume_writing(self) -> None:
        """The client reads again."""
        for session in self.sessions:
            session.hold(False)
        for forward in self.forwards:
            forward.hold(False)

    def send_packet(self, pkttype: int, *args: bytes, handler: Any = None) -> None:
        """As asyncssh does, without the empty packet it sends before every other: that protects CBC ciphers, which
        are not offered, and costs a system call and a wake-up of the client for each packet."""
        if pkttype != IGNORE:
            super().send_packet(pkttype, *args, handler=handler)

    def internal_error(self, exc_info: Any = None, error_logger: Any = None) -> None:
        """An error of ours ends this connection only, and is said."""
        log.error(
            "%s: error on a connection from %s", self.node.hostname, self.source, exc_info=exc_info or True
        )
        super().internal_error(exc_info, error_logger)

    async def _validate_openssh_certificate(self, username: str, cert: Any) -> Any:
        """As asyncssh does it; the certificate's key id is kept for the login record."""
        key = await super()._validate_openssh_certificate(username, cert)
        if key is not None and self.ring is not None:
            self.ring.certificate = str(cert._key_id)
        return key

    async def create_agent_listener(self) -> bool:
        """Agent forwarding, with the socket inside the node."""
        if not (
            self.check_key_permission("agent-forwarding")
            and self.check_certificate_permission("agent-forwarding")
        ):
            return False
        if self._agent_listener is None:
            self._agent_listener = await forwarding.agent_socket(self)  # type: ignore[assignment]
        return self._agent_listener is not None

    async def attach_x11_listener(
        self, chan: Any, auth_proto: bytes, auth_data: bytes, screen: int
    ) -> str | None:
        """X11 forwarding, with the display inside the node."""
        if not (
            self.check_key_permission("X11-forwarding")
            and self.check_certificate_permission("X11-forwarding")
        ):
            return None
        if self._x11_listener is None:
            try:
                self._x11_listener = await forwarding.x11_display(self, auth_proto, auth_data)
            except Gone:
                return None
        return self._x11_listener.attach(chan, screen) if self._x11_listener else None

    def farewell(self, reason: str) -> None:
        """Disconnect and say why.

        The channels are not closed first, as `disconnect` would: a client whose session is closed leaves before it
        has read the reason. A copy of the socket is kept until the client has closed its end: closing at once, with
        something unread in our buffer, would make the kernel send a reset and the client lose the sentence.
        """
        transport = self._transport
        if transport is None:
            return
        try:
            copy = transport.get_extra_info("socket").dup()
        except OSError:
            copy = None  # no descriptor is left
        self._send_disconnect(BY_APPLICATION, reason, "en")
        self._force_close(None)
        if copy is not None:
            self.node.background(linger(copy))


async def linger(sock: socket.socket) -> None:
    """Read a socket to its end, for a short while, then close it."""
    loop = asyncio.get_running_loop()
    try:
        # After the transport's own abort, which lets go of its descriptor in the next turn of the loop.
        await asyncio.sleep(0)
        sock.setblocking(False)
        sock.shutdown(socket.SHUT_WR)
        async with asyncio.timeout(LINGER_SECONDS):
            while await loop.sock_recv(sock, 65536):
                pass
    except (OSError, TimeoutError):
        pass
    finally:
        sock.close()


class Owner(asyncssh.SSHServer):
    """asyncssh's questions about one connection."""

    def __init__(self, connection_of: "Doorman") -> None:
        self._doorman = connection_of
        self._connection: NodeConnection

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """The version is about to be sent; the address has been admitted already."""
        assert isinstance(conn, NodeConnection)  # noqa: S101
        self._connection = conn
        conn.node.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone, for whatever reason."""
        self._connection.node.connections.discard(self._connection)
        self._doorman.proven()

    async def begin_auth(self, username: str) -> bool:
        """Lay out the keys this connection may use; an unknown user gets none: the same refusal as a wrong key."""
        connection, node = self._connection, self._connection.node
        if username != node.username:
            ring = KeyRing(lambda: node.nobody, Door.CLOSED, HomeKeys(), None)
        else:
            home = await read_home_keys(node) if connection.door is Door.FULL else HomeKeys()
            ring = KeyRing(
                lambda: node.admission, connection.door, home, node.cluster_key if connection.inside else None
            )
        connection.ring = ring
        connection.set_authorized_keys(ring)
        return True

    def public_key_auth_supported(self) -> bool:
        """The only method there is."""
        return True

    def auth_completed(self) -> None:
        """Logged in: written down, except when a node of the cluster comes in by the cluster's own key."""
        self._doorman.proven()
        connection, ring = self._connection, self._connection.ring
        login = ring.login if ring is not None else None
        if ring is None or login is None or (connection.inside and login.blob == connection.node.cluster_key):
            return
        proof = (
            {"certificate": ring.certificate}
            if login.kind == "certificate"
            else {"fingerprint": login.fingerprint}
        )
        node = connection.node
        node.cluster.logins.add(node.spec.name, node.username, connection.source, **proof)

    def _check_room(self) -> None:
        if reason := self._connection.overfull():
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_RESOURCE_SHORTAGE, reason)

    def session_requested(self) -> Session:
        """A shell, a command or sftp."""
        self._check_room()
        return Session(self._connection)

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> Any:
        """-L and -D."""
        self._check_room()
        return forwarding.dial(self._connection, dest_host, dest_port)

    def unix_connection_requested(self, dest_path: str) -> Any:
        """-L to a unix socket."""
        self._check_room()
        return forwarding.dial_unix(self._connection, dest_path)

    def server_requested(self, listen_host: str, listen_port: int) -> Any:
        """-R."""
        return not self._connection.overfull() and forwarding.listen(
            self._connection, listen_host, listen_port
        )

    def unix_server_requested(self, listen_path: str) -> Any:
        """-R on a unix socket."""
        return not self._connection.overfull() and forwarding.listen_unix(self._connection, listen_path)


async def read_home_keys(node: "Node") -> HomeKeys:
    """The home's own authorized_keys, opened inside the sandbox: a link out of it leads nowhere."""
    try:
        text = await node.machine().read(f"{node.home}/.ssh/authorized_keys", HOME_KEYS_LIMIT, READ_SECONDS)
    except Gone:
        return HomeKeys()
    return HomeKeys.of(text)


class Doorman(asyncio.Protocol):
    """First to meet a connection: looks at the address, then hands over to SSH or refuses in one sentence."""

    def __init__(self, node: "Node", inside: bool) -> None:
        self._node, self._inside = node, inside
        self._heard = b""
        self._reason = ""
        self._unproven = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Decide by the source address."""
        self._transport: asyncio.Transport = transport
        peer = transport.get_extra_info("peername")
        options = self._node.identity.options
        if not peer or options is None or self._node.full(MOST_UNPROVEN, MOST_CONNECTIONS):
            transport.abort()
            return
        door = Door.FULL if self._inside else self._node.admission.door(peer[0])
        if door is Door.CLOSED:
            self._reason = refusal(peer[0])
            transport.write(b"SSH-2.0-" + VERSION.encode() + b"\r\n")
            self._timer = asyncio.get_running_loop().call_later(LINGER_SECONDS, transport.abort)
            return
        self._unproven = True
        self._node.unproven += 1
        options.protocol_factory = lambda: Owner(self)
        connection = NodeConnection(asyncio.get_running_loop(), options)
        connection.attach(self._node, door, self._inside)
        transport.set_protocol(connection)
        connection.connection_made(transport)

    def proven(self) -> None:
        """The connection has logged in or gone: it no longer counts as waiting."""
        if self._unproven:
            self._unproven = False
            self._node.unproven -= 1

    def data_received(self, data: bytes) -> None:
        """Refused: a client that has sent its version and a packet listens; say the sentence, wait for its end."""
        self._heard = (self._heard + data)[:65536]
        _, newline, packet = self._heard.partition(b"\n")
        if self._reason and newline and len(packet) >= 6:
            self._transport.write(disconnect_packet(self._reason))
            self._transport.write_eof()
            self._reason = ""

    def connection_lost(self, exc: Exception | None) -> None:
        """The refused client has gone."""
        if self._timer is not None:
            self._timer.cancel()


def disconnect_packet(reason: str) -> bytes:
    """An unencrypted SSH_MSG_DISCONNECT (RFC 4253 sections 6 and 11.1)."""
    text = reason.encode()
    payload = (
        bytes([DISCONNECT])
        + NOT_ALLOWED.to_bytes(4, "big")
        + len(text).to_bytes(4, "big")
        + text
        + b"\0\0\0\0"
    )
    padding = 4 + -(len(payload) + 9) % 8
    return (len(payload) + padding + 1).to_bytes(4, "big") + bytes([padding]) + payload + os.urandom(padding)


async def server_options(
    host_key: asyncssh.SSHKey, certificate: str | None
) -> asyncssh.SSHServerConnectionOptions:
    """Options all connections of a node share."""
    keys: list[Any] = [(host_key, asyncssh.import_certificate(certificate))] if certificate else [host_key]
    building: Awaitable[asyncssh.SSHServerConnectionOptions] = asyncssh.SSHServerConnectionOptions.construct(
        server_host_keys=keys,
        server_version=VERSION,
        encryption_algs=list(CIPHERS),
        compression_algs=None,
        encoding=None,
        line_editor=False,
        password_auth=False,
        kbdint_auth=False,
        host_based_auth=False,
        gss_host=None,
        x11_forwarding=True,
        agent_forwarding=True,
        login_timeout=LOGIN_SECONDS,
        keepalive_interval=60,
        keepalive_count_max=5,
    )
    return await building
