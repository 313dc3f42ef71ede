"""A port of a test's own: nobody else gets it, and a server may listen there when its time has come."""

import errno
import socket

import pytest

from tests.stack import free_port


def test_nobody_else_gets_it_before_a_server_listens() -> None:
    port = free_port()
    with socket.socket() as other, pytest.raises(OSError) as refused:
        other.bind(("127.0.0.1", port))
    assert refused.value.errno == errno.EADDRINUSE
    with socket.socket() as caller, pytest.raises(ConnectionRefusedError):
        caller.connect(("127.0.0.1", port))


def test_servers_listen_there_one_after_the_other() -> None:
    port = free_port()
    for _ in range(2):
        with socket.create_server(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)):
            pass
