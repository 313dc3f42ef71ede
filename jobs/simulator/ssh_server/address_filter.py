"""Check the source address of a new connection, before any key exchange."""

import asyncio
import os
from typing import Any, Protocol

from jobs.node_contract.access_document import Reach
from jobs.simulator.ssh_server.connection import LINGER_SECONDS
from jobs.simulator.ssh_server.server_options import VERSION

MSG_DISCONNECT, DISCONNECT_NOT_ALLOWED = 1, 1
MAX_HEARD_BYTES = 65536


class ConnectionStarter(Protocol):
    """What the filter needs of the node's server."""

    def can_accept(self) -> bool:
        """Return whether the server has room for another connection."""

    def reach(self, address: str) -> Reach:
        """Return how far a source address gets."""

    def refusal(self, address: str) -> str:
        """Return the sentence for a source address that gets nowhere."""

    def start_connection(self, transport: asyncio.Transport, reach: Reach, from_inside: bool) -> None:
        """Speak SSH on this transport from now on."""


class AddressFilter(asyncio.Protocol):
    """The first protocol of every connection: hands it over to SSH, or refuses it with one sentence."""

    _transport: asyncio.Transport

    def __init__(self, server: ConnectionStarter, from_inside: bool) -> None:
        self._server, self._from_inside = server, from_inside
        self._heard = b""
        self._reason = ""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Decide by the source address."""
        self._transport = transport
        peer = transport.get_extra_info("peername")
        if not peer or not self._server.can_accept():
            transport.abort()
            return
        reach = Reach.FULL if self._from_inside else self._server.reach(peer[0])
        if reach is Reach.NONE:
            self._reason = self._server.refusal(peer[0])
            transport.write(b"SSH-2.0-" + VERSION.encode() + b"\r\n")
            self._timer = asyncio.get_running_loop().call_later(LINGER_SECONDS, transport.abort)
            return
        self._server.start_connection(transport, reach, self._from_inside)

    def data_received(self, data: bytes) -> None:
        """Send the reason once a refused client listens, which it does after its version and first packet."""
        self._heard = (self._heard + data)[:MAX_HEARD_BYTES]
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
    """Return an unencrypted SSH_MSG_DISCONNECT (RFC 4253 sections 6 and 11.1)."""
    text = reason.encode()
    payload = (
        bytes([MSG_DISCONNECT])
        + DISCONNECT_NOT_ALLOWED.to_bytes(4, "big")
        + len(text).to_bytes(4, "big")
        + text
        + b"\0\0\0\0"
    )
    padding = 4 + -(len(payload) + 9) % 8
    return (len(payload) + padding + 1).to_bytes(4, "big") + bytes([padding]) + payload + os.urandom(padding)
