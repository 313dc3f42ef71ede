"""Commands, files and refusals over a real sshd, the way workers use it."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable

import pytest

from sshgateway.certificates.credentials import issue_credential
from sshgateway.ssh import transport
from sshgateway.ssh.targets import Target
from tests.sshgateway.sshd import Node
from tests.waiting import LIMIT

pytestmark = pytest.mark.django_db(transaction=True)


def connect(target: Target, timeout: float = LIMIT) -> transport.Connection:
    """Connect with a credential issued for it."""
    credential = issue_credential(target.principal, for_whom="a test")
    return transport.connect(target, timeout=timeout, credential=credential)


def test_run_answers_both_outputs_and_the_exit_status(node: Node) -> None:
    with connect(node.target()) as connection:
        result = connection.run("printf out; printf err >&2; exit 7")
    assert result == transport.Result(7, b"out", b"err")


def test_output_stays_bytes(node: Node) -> None:
    with connect(node.target()) as connection:
        assert connection.run("printf '\\377\\000\\n'").stdout == b"\xff\x00\n"


def test_stdin_of_megabytes_comes_back_whole(node: Node) -> None:
    data = os.urandom(5_000_000)
    with connect(node.target()) as connection:
        result = connection.run("cat", stdin=data)
    assert result.exit_status == 0
    assert result.stdout == data


def test_a_command_without_stdin_reads_end_of_file(node: Node) -> None:
    with connect(node.target()) as connection:
        assert connection.run("wc -c", timeout=LIMIT).stdout.strip() == b"0"


def test_stdin_that_nobody_reads_does_not_hang(node: Node) -> None:
    with connect(node.target()) as connection:
        assert connection.run("exit 3", stdin=b"x" * 10_000_000, timeout=LIMIT).exit_status == 3


def test_too_much_output_is_cut_off(node: Node) -> None:
    with connect(node.target()) as connection:
        with pytest.raises(transport.OutputTooLong) as error:
            connection.run("yes", output_limit=100_000)
        assert not error.value.retryable
        assert connection.run("echo on").stdout == b"on\n", "the connection lives on"


def test_a_command_that_takes_too_long(node: Node) -> None:
    with connect(node.target()) as connection:
        began = time.monotonic()
        with pytest.raises(transport.CommandTimedOut) as error:
            connection.run("sleep 30", timeout=0.3)
        assert time.monotonic() - began < 25
        assert error.value.reason == "timed_out"


def test_sftp(node: Node) -> None:
    path = f"{node.folder}/file"
    with connect(node.target()) as connection:
        with connection.sftp() as sftp, sftp.open(path, "w") as file:
            file.write("content")
        assert connection.run(f"cat {path}").stdout == b"content"


def test_threads_share_a_connection(node: Node) -> None:
    answers: list[bytes] = []
    with connect(node.target()) as connection:

        def ask(number: int) -> None:
            answers.append(connection.run(f"echo {number}").stdout)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT)
    assert sorted(answers) == [f"{number}\n".encode() for number in range(8)]


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_each_type_of_pinned_key_is_negotiated(make_node: Callable[..., Node], kind: str) -> None:
    """Only the pinned key's type is offered, so that a node with several proves the right one."""
    node = make_node(key_types=["ed25519", "ecdsa", "rsa"])
    with connect(node.target(host_keys=(node.keys[kind],))) as connection:
        assert connection.host_key.line == node.keys[kind]


def test_another_key_of_the_same_type(make_node: Callable[..., Node]) -> None:
    node, other = make_node(), make_node()
    with pytest.raises(transport.HostKeyChanged) as error:
        connect(node.target(host_keys=(other.host_key,)))
    assert not error.value.retryable
    assert "SHA256:" in str(error.value)


def test_no_key_of_the_pinned_type(make_node: Callable[..., Node]) -> None:
    node, other = make_node(key_types=["ed25519"]), make_node(key_types=["rsa"])
    with pytest.raises(transport.HostKeyChanged):
        connect(node.target(host_keys=(other.host_key,)))


def test_a_returning_key_among_several_pinned(make_node: Callable[..., Node]) -> None:
    node, other = make_node(), make_node()
    with connect(node.target(host_keys=(other.host_key, node.host_key))) as connection:
        assert connection.host_key.line == node.host_key


def test_a_server_that_says_nothing(node: Node) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(transport.HandshakeFailed) as error:
            connect(node.target(port=silent.getsockname()[1]), timeout=0.5)
    assert time.monotonic() - began < LIMIT / 2
    assert error.value.retryable


def test_a_server_that_speaks_something_else(node: Node) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def answer() -> None:
            peer, _ = other.accept()
            with peer:
                peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(transport.HandshakeFailed):
            connect(node.target(port=other.getsockname()[1]))
        thread.join(LIMIT)


def test_nobody_there(node: Node) -> None:
    node.stop()
    with pytest.raises(transport.Unreachable) as error:
        connect(node.target())
    assert error.value.retryable
    assert error.value.reason == "unreachable"


def test_a_connection_that_breaks_is_no_failed_command(node: Node) -> None:
    with connect(node.target()) as connection:
        thread = threading.Timer(0.3, node.stop)
        thread.start()
        with pytest.raises(transport.ConnectionLost) as error:
            connection.run("sleep 30", timeout=20)
        thread.join()
    assert error.value.retryable


def test_nothing_secret_is_logged(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with connect(node.target()) as connection:
        connection.run("true")
    assert "PRIVATE KEY" not in caplog.text
    assert not [
        record for record in caplog.records if "paramiko" in record.name and record.levelno < logging.CRITICAL
    ]


def test_the_portal_has_no_way_to_trust_on_first_use() -> None:
    with pytest.raises(ValueError, match="pinned host key"):
        Target("127.0.0.1", 22, "x", ())
