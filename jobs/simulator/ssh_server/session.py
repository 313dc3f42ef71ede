"""One shell, command or sftp server on a node, as an SSH session."""

import asyncio
import fcntl
import signal
import struct
import termios
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import asyncssh

from jobs.simulator.sandbox.agent_client import Failed, Program
from jobs.simulator.sandbox.fd_channel import Gone
from jobs.simulator.ssh_server.pump import Pump

if TYPE_CHECKING:
    from jobs.simulator.ssh_server.server import NodeConnection

SIGNALS = frozenset(
    {"ABRT", "ALRM", "FPE", "HUP", "ILL", "INT", "KILL", "PIPE", "QUIT", "SEGV", "TERM", "USR1", "USR2"}
)
SIGNAL_NAMES = {number: name for name in sorted(SIGNALS) if (number := int(getattr(signal, "SIG" + name)))}
ACCEPTED_ENVIRONMENT = ("LANG", "LC_", "COLORTERM", "TZ")
NOT_STARTED = 255


class Session(asyncssh.SSHServerSession[bytes]):
    """Asks the node's agent for the program and pumps its bytes; ends with the program's own exit status."""

    def __init__(self, connection: "NodeConnection") -> None:
        self._connection = connection
        self._node = connection.node
        self._pump: Pump | None = None
        self._program: Program | None = None
        self._term = ""
        self._size = (24, 80, 0, 0)
        self._modes: Mapping[int, int] = {}
        self._command: str | None = None
        self._subsystem = ""
        self._early: list[bytes] = []
        self._early_end = False
        self._closed = False
        self._held: set[str] = set()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # -- what the client asks for, before anything starts ---------------------------------------

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        """The channel is open; nothing has been asked for yet."""
        self._channel = chan

    def pty_requested(
        self, term_type: str, term_size: tuple[int, int, int, int], term_modes: Mapping[int, int]
    ) -> bool:
        """Remember the terminal wanted."""
        self._term, self._modes = term_type or "dumb", dict(term_modes)
        self._size = _rows_first(*term_size)
        return True

    def shell_requested(self) -> bool:
        """A login shell: always possible."""
        return True

    def exec_requested(self, command: str) -> bool:
        """A command: any, up to what the system can start."""
        self._command = command
        return "\0" not in command

    def subsystem_requested(self, subsystem: str) -> bool:
        """Only sftp, and only where the machine has an sftp server to show."""
        self._subsystem = subsystem
        return subsystem == "sftp" and self._node.sftp_server is not None

    def session_started(self) -> None:
        """Start the program; what the client sends meanwhile waits in the channel."""
        self._connection.sessions.add(self)
        self._connection.create_task(self._start())

    async def _start(self) -> None:
        try:
            program, argv = self._program_and_arguments()
            pty = {"size": self._size, "modes": self._modes} if self._term else None
            started = await self._node.machine().spawn(
                program, argv, self._environment(), self._node.home, pty
            )
        except (Failed, Gone) as error:
            if not self._closed:
                self._channel.write_stderr(f"{self._node.hostname}: {error}\r\n".encode())
                self._channel.exit(NOT_STARTED)
            return
        self._program = started
        self._pump = Pump(self._channel, started.descriptors, self._drained)
        self._pump.hold(bool(self._held))
        if self._closed:
            self._pump.close()
            return
        self.terminal_size_changed(self._size[1], self._size[0], self._size[2], self._size[3])
        for data in self._early:
            self._pump.feed(data)
        self._early.clear()
        self._channel.resume_reading()
        if self._early_end:
            self._pump.feed_end()
        await started.ended
        if not self._closed:
            self._pump.finish()

    def _program_and_arguments(self) -> tuple[str, list[str]]:
        shell = self._node.shell
        if forced := self._forced():
            return shell, [shell, "-c", forced]
        if self._subsystem and self._node.sftp_server:
            return self._node.sftp_server, [self._node.sftp_server]
        if self._command is not None:
            return shell, [shell, "-c", self._command]
        return shell, ["-" + shell.rpartition("/")[2]]

    def _forced(self) -> str:
        """The one command this key or certificate may run, if it is so restricted."""
        connection = self._connection
        return str(
            connection.get_key_option("command") or connection.get_certificate_option("force-command") or ""
        )

    def _environment(self) -> dict[str, str]:
        peer, local = self._connection.get_extra_info("peername"), self._connection.get_extra_info("sockname")
        user, home = self._node.username, self._node.home
        env = {
            "HOME": home,
            "USER": user,
            "LOGNAME": user,
            "SHELL": self._node.shell,
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
            "LANG": "C.UTF-8",
            **self._node.environment,
            "SSH_CLIENT": f"{peer[0]} {peer[1]} {local[1]}",
            "SSH_CONNECTION": f"{peer[0]} {peer[1]} {local[0]} {local[1]}",
        }
        sent = self._channel.get_environment()
        env |= {
            name: value
            for name, value in sent.items()
            if name.startswith(ACCEPTED_ENVIRONMENT) and "\0" not in value
        }
        if self._command is not None and self._forced():
            env["SSH_ORIGINAL_COMMAND"] = self._command
        if self._term:
            env["TERM"] = self._term
        if display := self._channel.get_x11_display():
            env["DISPLAY"] = display
        if agent := self._channel.get_agent_path():
            env["SSH_AUTH_SOCK"] = agent
        return env

    # -- while it runs ---------------------------------------------------------------------------

    def data_received(self, data: bytes, datatype: Any) -> None:
        """Bytes for the program."""
        if self._pump is not None:
            self._pump.feed(data)
        else:
            # asyncssh starts reading once session_started returns, whatever was said in it: hold here instead.
            self._early.append(data)
            self._channel.pause_reading()

    def eof_received(self) -> bool:
        """No more bytes for the program; its own may still come."""
        if self._pump is not None:
            self._pump.feed_end()
        else:
            self._early_end = True
        return True

    def pause_writing(self) -> None:
        """The client's window is full."""
        self._hold("channel", True)

    def resume_writing(self) -> None:
        """The client takes more."""
        self._hold("channel", False)

    def hold(self, held: bool) -> None:
        """The whole connection is (no longer) full."""
        self._hold("connection", held)

    def _hold(self, by: str, held: bool) -> None:
        if held:
            self._held.add(by)
        else:
            self._held.discard(by)
        if self._pump is not None:
            self._pump.hold(bool(self._held))

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        """Resize the terminal; the kernel tells its programs."""
        self._size = _rows_first(width, height, pixwidth, pixheight)
        if self._pump is not None and self._pump.terminal is not None:
            fcntl.ioctl(self._pump.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *self._size))

    def signal_received(self, signal: str) -> None:
        """Pass a signal the client sent on to the program."""
        if self._program is not None and signal in SIGNALS:
            self._connection.create_task(self._signal(self._program, signal))

    def break_received(self, msec: int) -> bool:
        """A break is what a terminal's interrupt key does."""
        self.signal_received("INT")
        return True

    async def _signal(self, program: Program, name: str) -> None:
        try:
            await self._node.machine().signal(program, name)
        except (Failed, Gone):
            pass  # it has ended meanwhile

    # -- the end ---------------------------------------------------------------------------------

    def _drained(self) -> None:
        """All output is read; the status follows when the program has ended."""
        if self._program is not None and not self._closed:
            self._program.ended.add_done_callback(self._report)

    def _report(self, ended: "asyncio.Future[tuple[int, bool]]") -> None:
        if self._closed:
            return
        code, core = ended.result()
        if code >= 0:
            self._channel.exit(code)
        elif -code in SIGNAL_NAMES:
            self._channel.exit_with_signal(SIGNAL_NAMES[-code], core)
        else:
            self._channel.exit(128 - code)

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is closed: let go of the program (a terminal's gets a hang-up, as with any SSH server)."""
        self._closed = True
        if self._pump is not None:
            self._pump.close()
        self._connection.sessions.discard(self)
        if not self.done.done():
            self.done.set_result(None)


def _rows_first(width: int, height: int, pixwidth: int, pixheight: int) -> tuple[int, int, int, int]:
    """A size as the kernel wants it, each number within what a terminal can have."""
    columns, rows = width or 80, height or 24
    return min(rows, 65535), min(columns, 65535), min(pixwidth, 65535), min(pixheight, 65535)
