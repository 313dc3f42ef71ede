"""This portal as a contestant: the embedded stack as a person starts it, reached as a program over its protocol."""

import getpass
import os
import struct
from collections.abc import Callable
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import ClassVar

import django

from benchmarks.terminals.contestants import COLS, ROWS, Contestant, Screen
from benchmarks.terminals.server import ADDRESS, SSHServer
from benchmarks.terminals.websocket import WebSocket
from tests.stack import Stack, running

HELLO, INPUT, ACK, READY, OUTPUT, END = 0x01, 0x02, 0x04, 0x81, 0x82, 0x84
ACK_EVERY = 32 * 1024
SESSIONS_PER_PERSON = 50
PEOPLE = 12


class HeadnodeScreen(Screen):
    """A terminal session's websocket. Acknowledges what was read before, every 32 KiB."""

    def __init__(self, url: str, token: str, offset: int = 0) -> None:
        self.url, self.token = url, token
        self.offset = self.acked = offset
        self.socket = WebSocket(url, {"Authorization": f"Token {token}"})
        self.socket.send(bytes((HELLO,)) + struct.pack(">BQHH", 1, offset, COLS, ROWS))

    def fileno(self) -> int:
        return self.socket.fileno()

    @property
    def waiting(self) -> bool:
        return self.socket.waiting

    def type(self, data: bytes) -> None:
        self.socket.send(bytes((INPUT,)) + data)

    def read(self) -> bytes:
        if self.offset - self.acked >= ACK_EVERY:
            self.acked = self.offset
            self.socket.send(bytes((ACK,)) + struct.pack(">Q", self.acked))
        message = self.socket.receive()
        if message[0] == OUTPUT:
            data = message[9:]
            self.offset += len(data)
            return data
        if message[0] == END:
            raise RuntimeError(f"The portal ended the session: {message[1:].decode()}")
        return b""

    def drop(self) -> None:
        self.socket.close()


class Headnode(Contestant):
    """The portal."""

    name: ClassVar[str] = "headnode"

    def __init__(self, server: SSHServer, folder: Path) -> None:
        super().__init__(server, folder)
        self._closing = ExitStack()
        self._opened = 0

    def start(self) -> None:
        self.stack: Stack = self._closing.enter_context(running(self.folder / "var"))
        self._people = _people(self.stack)
        authority = import_module("sshgateway.authority")
        (self.server.folder / "authorities").write_text("\n".join(authority.user_authority_lines()) + "\n")

    def stop(self) -> None:
        self._closing.close()

    def open(self) -> Screen:
        """Each person has as many shells as a person may have; then the next person comes."""
        who, self._opened = self._opened // SESSIONS_PER_PERSON % PEOPLE, self._opened + 1
        token, path = self._people(who, self.server)
        return HeadnodeScreen(self.stack.base_url.replace("http", "ws", 1).rstrip("/") + path, token)

    def reattach(self, screen: Screen) -> Screen | None:
        assert isinstance(screen, HeadnodeScreen)
        return HeadnodeScreen(screen.url, screen.token, screen.offset)

    def processes(self) -> list[int]:
        pids = self.stack.pids
        return [pids[name] for name in ("gateway", "web") if name in pids][:1]


def _people(stack: Stack) -> Callable[[int, SSHServer], tuple[str, str]]:
    """People of this portal; the answered function opens a session to the server for one: token and path."""
    os.environ.update(stack.environment, DJANGO_SETTINGS_MODULE="portal.settings")
    django.setup()
    accounts = import_module("accounts.services")
    actor = import_module("accounts.audit").Actor
    model = import_module("accounts.models").User
    sessions = import_module("sshgateway.services")
    target = import_module("sshgateway.targets").Target
    people, tokens = [], []
    for number in range(PEOPLE):
        people.append(model.objects.create_user(f"bench{number}"))
        tokens.append(accounts.create_api_token(actor(people[-1]), people[-1], "benchmark")[1])

    def open_session(who: int, server: SSHServer) -> tuple[str, str]:
        to = target(ADDRESS, server.port, getpass.getuser(), (server.host_key,), "sshd", "bench:1", "sshd")
        session = sessions.open_session(people[who], to, COLS, ROWS, ADDRESS)
        return tokens[who], session.websocket_path

    return open_session
