"""A connection that one process accepted is handed to another, with what was read of it; or web answers 503."""

import asyncio
import os
import socket
from pathlib import Path

import pytest

from portal import handover
from tests.waiting import LIMIT

REQUEST = b"GET /ws/gateways/main/terminal-sessions/abc/ HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize(
    ("request_line", "name"),
    [
        (b"GET /ws/gateways/main/terminal-sessions/abc/ HTTP/1.1", "main"),
        (b"GET /ws/gateways/g-2_x/terminal-sessions/abc/?a=b HTTP/1.1", "g-2_x"),
        (b"GET /ws/gateways/../terminal-sessions/abc/ HTTP/1.1", ""),
        (b"GET /ws/gateways/a/b/terminal-sessions/abc/ HTTP/1.1", ""),
        (b"GET /ws/gateways/%2e%2e/terminal-sessions/abc/ HTTP/1.1", ""),
        (b"GET /ws/gateways/" + b"x" * 41 + b"/terminal-sessions/abc/ HTTP/1.1", ""),
        (b"GET /ws/terminal-sessions/abc/ HTTP/1.1", ""),
        (b"GET /ws/jobs/Ab12cd/events/ HTTP/1.1", ""),
        (b"POST /ws/gateways/main/terminal-sessions/abc/ HTTP/1.1", ""),
    ],
)
def test_only_a_terminals_own_address_is_passed_on(request_line: bytes, name: str) -> None:
    assert handover.requested_gateway(request_line + b"\r\nHost: a\r\n\r\n") == name


async def test_a_connection_arrives_with_its_request(tmp_path: Path) -> None:
    taken: asyncio.Queue[tuple[socket.socket, bytes]] = asyncio.Queue()

    async def take(connection: socket.socket, request: bytes) -> None:
        taken.put_nowait((connection, request))

    path = handover.socket_path(str(tmp_path), "main")
    receiver = handover.ConnectionReceiver(path, take)
    assert path.stat().st_mode & 0o077 == 0
    ours, theirs = socket.socketpair()
    try:
        for request in (REQUEST, REQUEST[:-2] + b"X: " + b"x" * 60_000 + b"\r\n\r\n"):
            handover.send_connection(path, theirs.fileno(), request)
            async with asyncio.timeout(LIMIT):
                connection, read = await taken.get()
            assert read == request
            with connection:
                connection.sendall(b"here")
            assert ours.recv(10) == b"here"
    finally:
        ours.close()
        theirs.close()
        receiver.close()
    assert not path.exists()


async def test_nobody_there_is_an_error_at_once(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(OSError):
        handover.send_connection(handover.socket_path(str(tmp_path), "main"), theirs.fileno(), REQUEST)


async def test_what_is_no_hand_over_leaves_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def take(connection: socket.socket, request: bytes) -> None:
        raise AssertionError("nothing came")

    path = tmp_path / "gateway-main.sock"
    receiver = handover.ConnectionReceiver(path, take)
    files = len(os.listdir("/proc/self/fd"))
    for nonsense in (b"", b"\x00\x00", b"\xff\xff\xff\xff", b"\x00\x00\x00\x05abcde"):
        with socket.socket(socket.AF_UNIX) as sender:
            sender.connect(str(path))
            sender.sendall(nonsense)
    async with asyncio.timeout(LIMIT):
        # Three of the four are told of; until then some may wait to be accepted.
        while len(caplog.records) < 3 or receiver._tasks or len(os.listdir("/proc/self/fd")) > files:
            await asyncio.sleep(0.02)
    receiver.close()
    # Whoever only looks whether somebody is there, as the start does, is no news.
    assert sorted(record.getMessage().rpartition(": ")[2] for record in caplog.records) == [
        "IndexError('pop from empty list')",
        "OSError('it ended early')",
        "ValueError('the request is too long')",
    ]
