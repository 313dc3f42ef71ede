"""This portal as a contestant: the embedded stack as a person starts it, reached as a program over its protocol."""

import struct
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

from benchmarks.terminals.contestants import COLS, ROWS, Contestant, Screen
from benchmarks.terminals.server import ADDRESS, SSHServer
from benchmarks.terminals.websocket import WebSocket
from tests.acceptance.people import Person, with_token
from tests.stack import Stack, running

HELLO, INPUT, ACK, READY, OUTPUT, END = 0x01, 0x02, 0x04, 0x81, 0x82, 0x84
ACK_EVERY = 32 * 1024
SESSIONS_PER_PERSON = 50
PEOPLE = 12
PASSWORD = "horse battery correct"
_MAKE = "from accounts.models import User; [User.objects.create_user"


class HeadnodeScreen(Screen):
    """A terminal session's websocket. Acknowledges what was read before, every 32 KiB."""

    def __init__(self, url: str, token: str, offset: int = 0) -> None:
        self.url, self.token = url, token
        self.offset = self.acked = offset
        self.socket = WebSocket(url, {"Authorization": f"Token {token}"})
        self.socket.send(bytes((HELLO,)) + struct.pack(">BQHH", 1, offset, COLS, ROWS))
        while (message := self.socket.receive())[0] != READY:
            if message[0] == END:
                raise RuntimeError(f"The portal refused the session: {message[1:].decode()}")

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
        self._people: list[Person] = []
        self._opened = 0

    def start(self) -> None:
        self.stack: Stack = self._closing.enter_context(running(self.folder / "var"))
        admin = with_token(self.stack)
        names = [f"bench{number}" for number in range(PEOPLE)]
        self.stack.manage("shell", "-c", f"{_MAKE}(name, password={PASSWORD!r}) for name in {names}]")
        for name in names:
            self._people.append(with_token(self.stack, name, PASSWORD))
            _made(self._people[-1].call("POST", "/api/v2/users/me/access-rules/", {"cidr": ADDRESS}))
        (self.server.folder / "authorities").write_text(str(admin.get("/api/v2/user-authority/")))
        body = {"name": "sshd", "host": ADDRESS, "port": self.server.port, "username": self.server.user}
        body |= {"hostKey": self.server.host_key, "everyone": True}
        self._machine = _made(admin.call("POST", "/api/v2/machines/", body))["id"]

    def stop(self) -> None:
        self._closing.close()

    def open(self) -> Screen:
        """Each person has as many shells as a person may have; then the next person comes."""
        person = self._people[self._opened // SESSIONS_PER_PERSON % PEOPLE]
        self._opened += 1
        body = {"machine": self._machine, "cols": COLS, "rows": ROWS}
        made = _made(person.call("POST", "/api/v2/terminal-sessions/", body))
        return HeadnodeScreen(made["websocketUrl"], person.token)

    def reattach(self, screen: Screen) -> Screen | None:
        assert isinstance(screen, HeadnodeScreen)
        return HeadnodeScreen(screen.url, screen.token, screen.offset)

    def processes(self) -> list[int]:
        pids = self.stack.pids
        return [pids[name] for name in ("gateway", "web") if name in pids][:1]


def _made(answer: tuple[int, Any]) -> Any:
    status, body = answer
    assert status == 201, body
    return body
