"""One SSH connection to a node: its channels, its flow control, and how it is ended with a reason."""

import asyncio
import logging
import socket
from typing import Any, Protocol

import asyncssh

from jobs.node_contract.access_document import Reach, normalized_address
from jobs.simulator.ssh_server.access_policy import Proof
from jobs.simulator.ssh_server.channel_limits import channel_refusal
from jobs.simulator.ssh_server.login_keys import LoginKeys
from jobs.simulator.ssh_server.served_node import ServedNode

log = logging.getLogger("simulator")
LINGER_SECONDS = 2.0
MSG_IGNORE, DISCONNECT_BY_APPLICATION = 2, 11


class ByteSource(Protocol):
    """A session or a forwarded socket, whose bytes go to the client."""

    def hold(self, held: bool) -> None:
        """Stop reading, or read again: the whole connection is full, or no longer."""


class SessionEnd(ByteSource, Protocol):
    """A session, and a future that is done when it has ended."""

    done: asyncio.Future[None]


class NodeConnection(asyncssh.SSHServerConnection):
    """A connection to a node. Whatever it opens is opened by the node's agent."""

    node: ServedNode
    reach: Reach
    from_inside: bool
    login_keys: LoginKeys | None = None
    certificate_id = ""

    def attach(self, node: ServedNode, reach: Reach, from_inside: bool) -> None:
        """Set the node, how far the source address gets, and whether it is a node of the cluster."""
        self.node, self.reach, self.from_inside = node, reach, from_inside
        self.sessions: set[SessionEnd] = set()
        self.forwards: set[ByteSource] = set()

    @property
    def source(self) -> str:
        """The address that this connection comes from."""
        return normalized_address(str(self.get_extra_info("peername")[0]))

    @property
    def proof(self) -> Proof | None:
        """What this connection logged in with; None before it has."""
        return self.login_keys.proof if self.login_keys is not None else None

    @property
    def channel_count(self) -> int:
        """How many channels are open."""
        return len(self._channels)

    def why_full(self) -> str:
        """Return why this connection may open no other channel; an empty text if it may."""
        used = max(len(self._channels), len(self.sessions) + len(self.forwards))
        return channel_refusal(used + len(self._local_listeners), self.node.cluster_channels())

    def pause_writing(self) -> None:
        """Stop reading everything that would be sent to the client, which does not read."""
        self._hold_all(True)

    def resume_writing(self) -> None:
        """Read again, as the client does."""
        self._hold_all(False)

    def _hold_all(self, held: bool) -> None:
        for source in (*self.sessions, *self.forwards):
            source.hold(held)

    def send_packet(self, pkttype: int, *args: bytes, handler: Any = None) -> None:
        """Send a packet, without the empty one that asyncssh sends before every other.

        That one protects CBC ciphers, which are not offered, and costs a system call and a wake-up of the client each.
        """
        if pkttype != MSG_IGNORE:
            super().send_packet(pkttype, *args, handler=handler)

    def internal_error(self, exc_info: Any = None, error_logger: Any = None) -> None:
        """Log an error of the simulator's own and end this connection only."""
        log.error(
            "%s: error on a connection from %s", self.node.hostname, self.source, exc_info=exc_info or True
        )
        super().internal_error(exc_info, error_logger)

    async def _validate_openssh_certificate(self, username: str, cert: Any) -> Any:
        """Validate as asyncssh does; keep the certificate's key id for the login record."""
        key = await super()._validate_openssh_certificate(username, cert)
        if key is not None:
            self.certificate_id = str(cert._key_id)
        return key

    def disconnect_with(self, reason: str) -> None:
        """Disconnect and tell the client why.

        The channels are not closed first, as `disconnect` would: a client whose session is closed leaves before it
        has read the reason. A copy of the socket is kept until the client has closed its end: closing at once, with
        something unread in the buffer, would make the kernel send a reset, and the client would lose the reason.
        """
        transport = self._transport
        if transport is None:
            return
        try:
            copy = transport.get_extra_info("socket").dup()
        except OSError:
            copy = None  # no descriptor is left
        self._send_disconnect(DISCONNECT_BY_APPLICATION, reason, "en")
        self._force_close(None)
        if copy is not None:
            self.node.background(linger(copy))


async def linger(sock: socket.socket) -> None:
    """Read a socket to its end, at most LINGER_SECONDS, then close it."""
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
