"""The terminals that are measured. Each opens shells on the same sshd and gives them as a `Screen`."""

import fcntl
import json
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import termios
import urllib.parse
import urllib.request
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from benchmarks.terminals.memory import descendants
from benchmarks.terminals.server import ADDRESS, SSHServer
from benchmarks.terminals.websocket import TEXT, WebSocket
from tests.stack import free_port
from tests.waiting import wait_for

COLS, ROWS = 100, 30


class Screen(ABC):
    """One shell as somebody in front of it has it. What was read counts as drawn when the next is read."""

    @abstractmethod
    def fileno(self) -> int:
        """Readable when there is something to read."""

    @abstractmethod
    def type(self, data: bytes) -> None:
        """Type."""

    @abstractmethod
    def read(self) -> bytes:
        """What was printed; waits for it. Empty where a message brought no output."""

    @abstractmethod
    def drop(self) -> None:
        """Cut the line, as a lost network does."""

    @property
    def waiting(self) -> bool:
        """Whether there is something to read of which `fileno` does not tell."""
        return False


class Contestant(ABC):
    """A way to a shell. `start` before the first `open`; `stop` ends everything."""

    name: ClassVar[str]

    def __init__(self, server: SSHServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:  # noqa: B027 (plain ssh shares nothing)
        """Start what is shared by all shells."""

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)

    @abstractmethod
    def open(self) -> Screen:
        """A new shell; its prompt has not been printed yet."""

    @abstractmethod
    def processes(self) -> list[int]:
        """The processes whose memory and processor time count: not sshd, not who measures."""

    def reattach(self, screen: Screen) -> Screen | None:
        """Come back to the shell of a screen whose line was cut, where there is a way."""
        return None


class PtyScreen(Screen):
    """A program in a local pty."""

    def __init__(self, command: list[str]) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp(command[0], command)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLS, 0, 0))

    def fileno(self) -> int:
        return self.fd

    def type(self, data: bytes) -> None:
        os.write(self.fd, data)

    def read(self) -> bytes:
        try:
            return os.read(self.fd, 65536)
        except OSError:
            return b""

    def drop(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def ssh_command(server: SSHServer) -> list[str]:
    """Plain ssh, with the cipher the others use too."""
    options = [
        "BatchMode=yes",
        "IdentitiesOnly=yes",
        f"UserKnownHostsFile={server.known_hosts}",
        "LogLevel=ERROR",
        # Newer clients send keystrokes at a fixed pace only, which would be measured instead of the way.
        "IgnoreUnknown=ObscureKeystrokeTiming",
        "ObscureKeystrokeTiming=no",
    ]
    told = [word for option in options for word in ("-o", option)]
    to = ["-p", str(server.port), f"{server.user}@{ADDRESS}"]
    return ["ssh", "-F", "none", "-tt", "-i", str(server.key), *told, *to]


class PlainSSH(Contestant):
    """OpenSSH's client in a local pty: what everything is compared to."""

    name = "plain ssh"

    def __init__(self, server: SSHServer, folder: Path) -> None:
        super().__init__(server, folder)
        self._screens: list[PtyScreen] = []

    def open(self) -> Screen:
        self._screens.append(PtyScreen(ssh_command(self.server)))
        return self._screens[-1]

    def processes(self) -> list[int]:
        return [screen.pid for screen in self._screens if Path(f"/proc/{screen.pid}").exists()]


class WebSSHScreen(Screen):
    """webssh's websocket: JSON in, bytes out."""

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket

    def fileno(self) -> int:
        return self.socket.fileno()

    @property
    def waiting(self) -> bool:
        return self.socket.waiting

    def type(self, data: bytes) -> None:
        self.socket.send(json.dumps({"data": data.decode("latin-1")}).encode(), TEXT)

    def read(self) -> bytes:
        return self.socket.receive()

    def drop(self) -> None:
        self.socket.close()


class WebSSH(Contestant):
    """webssh from PyPI, in a virtual environment of its own."""

    name = "webssh 1.6"
    VERSION = "1.6.2"

    def start(self) -> None:
        home = self.folder / "webssh"
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        install = [str(home / "bin" / "pip"), "install", "--quiet", f"webssh=={self.VERSION}"]
        subprocess.run(install, check=True, stderr=subprocess.DEVNULL)
        self.port = free_port()
        command = [str(home / "bin" / "wssh"), f"--address={ADDRESS}", f"--port={self.port}", "--xsrf=False"]
        command += ["--policy=reject", f"--hostfile={self.server.known_hosts}", "--encoding=utf-8"]
        command += ["--maxconn=1000", "--fbidhttp=False", "--logging=error"]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_for(self._answers, "webssh answers", 30)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"http://{ADDRESS}:{self.port}/").close()
        except OSError:
            return False
        return True

    def open(self) -> Screen:
        server = self.server
        form = {"hostname": ADDRESS, "port": server.port, "username": server.user, "term": "xterm"}
        form["privatekey"] = server.key.read_text()
        body = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(f"http://{ADDRESS}:{self.port}/", body) as answer:
            made = json.load(answer)
        if not made.get("id"):
            raise RuntimeError(f"webssh: {made}")
        screen = WebSSHScreen(WebSocket(f"ws://{ADDRESS}:{self.port}/ws?id={made['id']}"))
        screen.socket.send(json.dumps({"resize": [COLS, ROWS]}).encode(), TEXT)
        return screen

    def processes(self) -> list[int]:
        return descendants(self.process.pid) if self.process is not None else []


class TtydScreen(Screen):
    """ttyd's websocket: one letter in front of each message."""

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        socket.send(json.dumps({"AuthToken": "", "columns": COLS, "rows": ROWS}).encode())

    def fileno(self) -> int:
        return self.socket.fileno()

    @property
    def waiting(self) -> bool:
        return self.socket.waiting

    def type(self, data: bytes) -> None:
        self.socket.send(b"0" + data)

    def read(self) -> bytes:
        message = self.socket.receive()
        return message[1:] if message[:1] == b"0" else b""

    def drop(self) -> None:
        self.socket.close()


class Ttyd(Contestant):
    """ttyd in front of plain ssh; only where it is installed."""

    name = "ttyd"

    @staticmethod
    def is_here() -> bool:
        """Whether it can be measured on this machine."""
        return shutil.which("ttyd") is not None

    def start(self) -> None:
        self.port = free_port()
        command = ["ttyd", "--writable", "--port", str(self.port), "--interface", ADDRESS]
        self.process = subprocess.Popen(
            [*command, *ssh_command(self.server)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for(self._answers, "ttyd answers", 30)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"http://{ADDRESS}:{self.port}/").close()
        except OSError:
            return False
        return True

    def open(self) -> Screen:
        headers = {"Sec-WebSocket-Protocol": "tty"}
        return TtydScreen(WebSocket(f"ws://{ADDRESS}:{self.port}/ws", headers))

    def processes(self) -> list[int]:
        return descendants(self.process.pid) if self.process is not None else []
