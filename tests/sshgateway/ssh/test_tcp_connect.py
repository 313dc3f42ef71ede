"""A host name with several addresses: each gets its chance, and the last failure is told."""

import socket

import pytest

from sshgateway.ssh.tcp_connect import connect_tcp


def resolves_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """What a name server would say of any name."""

    def answer(host: str, port: int, **kind: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", answer)


def two_on_one_port(one: str, other: str) -> tuple[socket.socket, socket.socket]:
    """Sockets bound to the same port of two addresses: a port free on one may be somebody's on the other."""
    for _ in range(100):
        first, second = socket.socket(), socket.socket()
        try:
            first.bind((one, 0))
            second.bind((other, first.getsockname()[1]))
        except OSError:
            first.close()
            second.close()
        else:
            return first, second
    raise AssertionError(f"no port was free on both {one} and {other}")


def test_the_next_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.3", 0)) as there:
        resolves_to(monkeypatch, "127.0.0.1", "127.0.0.2", "127.0.0.3")
        with connect_tcp("cluster.example.org", there.getsockname()[1], 5) as found:
            assert found.getpeername() == there.getsockname()


def test_the_last_failure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    resolves_to(monkeypatch, "127.0.0.1", "127.0.0.2")
    with pytest.raises(ConnectionRefusedError):
        connect_tcp("cluster.example.org", port, 5)


def test_an_address_that_never_answers_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    # A listener whose queue is full lets further connections wait, like a firewall that drops them.
    silent, there = two_on_one_port("127.0.0.1", "127.0.0.2")
    with silent, there, socket.socket() as first, socket.socket() as second:
        port = there.getsockname()[1]
        there.listen()
        silent.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        resolves_to(monkeypatch, "127.0.0.1", "127.0.0.2")
        with connect_tcp("cluster.example.org", port, 4) as found:
            assert found.getpeername() == there.getsockname()


def test_a_name_nobody_knows() -> None:
    with pytest.raises(socket.gaierror):
        connect_tcp("no-such-host.invalid", 22, 5)
