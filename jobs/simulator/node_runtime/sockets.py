"""Open sockets as seen from inside a node. Part of what runs inside a node: standard library only."""

from __future__ import annotations

import os
import socket

CONNECT_SECONDS = 10
BACKLOG = 128


def connect_tcp(host: str, port: int) -> socket.socket:
    """Connect to a TCP port."""
    return socket.create_connection((host, port), CONNECT_SECONDS)


def connect_unix(path: str) -> socket.socket:
    """Connect to a unix socket."""
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connected.settimeout(CONNECT_SECONDS)
    connected.connect(path)
    return connected


def listen_tcp(host: str, port: int) -> socket.socket:
    """Listen on a TCP port; without a host, on the loopback."""
    found = socket.getaddrinfo(host or "127.0.0.1", port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def listen_unix(path: str) -> socket.socket:
    """Listen on a unix socket that only its owner can connect to."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(path)
        os.chmod(path, 0o600)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def make_private_folder() -> str:
    """Make a folder in /tmp that only this user can enter, and return its path."""
    path = "/tmp/ssh-" + os.urandom(8).hex()  # noqa: S108 - the node's own
    os.mkdir(path, 0o700)
    return path
