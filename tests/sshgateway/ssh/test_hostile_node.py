"""A node that logs people in and then breaks the protocol: it ends its own connection and holds up nobody."""

import asyncio
import contextlib
import socket
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import paramiko
import pytest
from asgiref.sync import sync_to_async
from paramiko.message import Message

from sshgateway.certificates import credentials
from sshgateway.ssh import shell_channel, ssh_connection, transport
from sshgateway.ssh.ssh_connection import SSHConnection, attach_to_loop
from sshgateway.ssh.targets import Target
from tests.sshgateway.conftest import until
from tests.waiting import LIMIT

pytestmark = pytest.mark.django_db(transaction=True)

EXT_INFO, NEWKEYS, KEXINIT, GLOBAL_REQUEST = 7, 21, 20, 80
CONFIRMATION, FAILURE, DATA, CHANNEL_REQUEST = 91, 92, 94, 98
WINDOW = 64 * 1024


class Host(paramiko.ServerInterface):
    """Lets everybody in, and stops listening when its terminal's size changes."""

    def __init__(self) -> None:
        self.listens = threading.Event()

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return int(paramiko.common.AUTH_SUCCESSFUL)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return int(paramiko.common.OPEN_SUCCEEDED)

    def check_channel_pty_request(self, *size: Any) -> bool:
        return True

    def check_channel_shell_request(self, channel: paramiko.Channel) -> bool:
        return True

    def check_channel_window_change_request(self, *size: Any) -> bool:
        self.listens.wait(60)
        return True


class HostileNode:
    """One SSH server for one connection, and the means to say on it whatever one likes."""

    def __init__(self, folder: Path) -> None:
        key = folder / "host"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)], check=True)
        self._key = paramiko.Ed25519Key.from_private_key_file(str(key))
        self.host = Host()
        self.kex: tuple[str, ...] | None = None
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        self.target = Target(
            "127.0.0.1",
            self._listening.getsockname()[1],
            "someone",
            (f"ssh-ed25519 {self._key.get_base64()}",),
            "head of Test",
            "test:1",
            "head",
        )
        self.transport: Any = None
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            taken, _ = self._listening.accept()
            # A window no terminal would ever need.
            self.transport = paramiko.Transport(taken, default_window_size=2**31 - 1)
            if self.kex is not None:
                self.transport.get_security_options().kex = self.kex
            self.transport.add_server_key(self._key)
            with contextlib.suppress(paramiko.SSHException, EOFError):
                self.transport.start_server(threading.Event(), self.host)

    def say(self, kind: int, *numbers: int, more: bytes = b"") -> None:
        """Send a message, whether it makes sense or not."""
        message = Message()
        message.add_byte(bytes((kind,)))
        for number in numbers:
            message.add_int(number)
        message.add_bytes(more)
        self.transport._send_message(message)

    def close(self) -> None:
        self.host.listens.set()
        self._listening.shutdown(socket.SHUT_RDWR)  # wakes who still waits for somebody to come
        self._listening.close()
        self._thread.join(LIMIT)
        if self.transport is not None:
            self.transport.close()
            self.transport.join(LIMIT)


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[HostileNode]:
    node = HostileNode(tmp_path)
    yield node
    node.close()


class Listener:
    """Hears a shell."""

    def __init__(self) -> None:
        self.output = b""
        self.writable = asyncio.Event()
        self.over = asyncio.Event()

    def shell_printed(self, data: bytes) -> None:
        self.output += data

    def shell_writable(self) -> None:
        self.writable.set()

    def shell_over(self) -> None:
        self.over.set()


async def _connected(
    node: HostileNode, on_idle: Callable[[SSHConnection], None] = lambda connection: None
) -> SSHConnection:
    credential = await sync_to_async(credentials.issue_credential)(node.target.principal, for_whom="a test")
    login = await asyncio.to_thread(transport.log_in, node.target, credential, timeout=LIMIT, for_loop=True)
    assert isinstance(login.transport.sock, socket.socket)
    login.transport.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * 1024)
    return await attach_to_loop(login, on_idle)


@pytest.fixture
async def accidents() -> AsyncIterator[list[str]]:
    """What nobody caught on the event loop: nothing, whatever a node says."""
    found: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: found.append(str(context)))
    yield found
    assert found == []


@pytest.fixture
async def to_hostile(hostile: HostileNode, accidents: list[str]) -> AsyncIterator[SSHConnection]:
    connected = await _connected(hostile)
    yield connected
    hostile.host.listens.set()
    connected.close()
    await connected.wait_closed()


async def _lost(on: SSHConnection) -> None:
    async with asyncio.timeout(LIMIT):
        await on.lost.wait()


async def test_extensions_without_end_hold_up_nobody(hostile: HostileNode, to_hostile: SSHConnection) -> None:
    hostile.say(EXT_INFO, 0xFFFFFFFF)
    await _lost(to_hostile)


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        (NEWKEYS, ()),
        (KEXINIT, (1, 2, 3, 4, 5)),
        (CONFIRMATION, (0, 1)),
        (GLOBAL_REQUEST, (3, 0xFFFEFDFC)),
    ],
)
async def test_messages_that_make_no_sense_end_the_connection_and_nothing_else(
    hostile: HostileNode, to_hostile: SSHConnection, kind: int, numbers: tuple[int, ...]
) -> None:
    opened = await to_hostile.open_shell(80, 24, WINDOW)
    opened.start(listener := Listener())
    hostile.say(kind, *numbers)
    await _lost(to_hostile)
    assert listener.over.is_set()


async def test_more_than_was_granted_ends_the_connection(
    hostile: HostileNode, to_hostile: SSHConnection
) -> None:
    opened = await to_hostile.open_shell(80, 24, WINDOW)
    opened.start(listener := Listener())
    piece = b"x" * (32 * 1024)
    for _ in range(3):
        hostile.say(DATA, opened.number, len(piece), more=piece)
    await _lost(to_hostile)
    assert len(listener.output) <= WINDOW


async def test_input_that_is_not_read_is_not_taken(hostile: HostileNode, to_hostile: SSHConnection) -> None:
    opened = await to_hostile.open_shell(80, 24, WINDOW)
    opened.start(listener := Listener())
    opened.resize(81, 24)  # from here on it does not read
    taken, most = 0, 64 * 1024 * 1024
    while taken < most and (part := opened.write(b"x" * 32 * 1024)):
        taken += part
        await asyncio.sleep(0)
    assert 0 < taken < most, "a window of two gigabytes is no reason to keep them"
    assert to_hostile.active
    listener.writable.clear()
    hostile.host.listens.set()
    async with asyncio.timeout(LIMIT):
        await listener.writable.wait()
    assert opened.write(b"x") == 1


async def test_answers_that_are_not_read_end_the_connection(
    hostile: HostileNode, to_hostile: SSHConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_connection, "MOST_UNSENT", 64 * 1024)
    opened = await to_hostile.open_shell(80, 24, WINDOW)
    opened.resize(81, 24)

    def ask() -> None:
        for _ in range(100_000):
            hostile.say(CHANNEL_REQUEST, opened.number, 1, more=b"?\x01")
            if to_hostile.lost.is_set():
                return

    asking = asyncio.create_task(asyncio.to_thread(ask))
    await _lost(to_hostile)
    with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
        await asking


async def test_a_channel_that_was_open_and_is_said_to_have_failed_is_over(
    hostile: HostileNode, to_hostile: SSHConnection
) -> None:
    opened = await to_hostile.open_shell(80, 24, WINDOW)
    opened.start(listener := Listener())
    hostile.say(FAILURE, opened.number, 1, 0, 0)
    async with asyncio.timeout(LIMIT):
        await listener.over.wait()


async def test_a_close_that_is_never_answered_is_not_waited_for(
    hostile: HostileNode, to_hostile: SSHConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell_channel, "AFTER_CLOSE_SECONDS", 0.1)
    opened = await to_hostile.open_shell(80, 24, WINDOW)
    opened.resize(81, 24)
    opened.close()

    async def released() -> bool:
        return to_hostile.shells == 0

    await until(released, "the shell is released")


async def test_key_exchanges_that_take_a_second_each_are_not_agreed_to(
    hostile: HostileNode, accidents: list[str]
) -> None:
    hostile.kex = ("diffie-hellman-group16-sha512",)
    with pytest.raises(transport.HandshakeFailed):
        await _connected(hostile)


async def test_empty_output_takes_no_room(hostile: HostileNode, to_hostile: SSHConnection) -> None:
    opened = await to_hostile.open_shell(80, 24, WINDOW)
    for _ in range(100):
        hostile.say(DATA, opened.number, 0)
    hostile.say(DATA, opened.number, 4, more=b"last")

    async def came() -> bool:
        return opened._output != []

    await until(came, "the last of it")
    assert opened._output == [b"last"]
