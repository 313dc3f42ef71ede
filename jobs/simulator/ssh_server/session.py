"""Run one shell, command or sftp server on a node as an SSH session."""

import asyncio
import fcntl
import signal
import struct
import termios
from collections.abc import Mapping
from typing import Any

import asyncssh

from jobs.simulator.sandbox.agent_client import AgentError, Program
from jobs.simulator.sandbox.fd_channel import ChannelClosed
from jobs.simulator.sandbox.installed_programs import login_shell, sftp_server
from jobs.simulator.ssh_server.connection import NodeConnection
from jobs.simulator.ssh_server.locales import accepted_environment
from jobs.simulator.ssh_server.pump import Pump

SIGNALS = frozenset(
    {"ABRT", "ALRM", "FPE", "HUP", "ILL", "INT", "KILL", "PIPE", "QUIT", "SEGV", "TERM", "USR1", "USR2"}
)
SIGNAL_NAMES = {number: name for name in sorted(SIGNALS) if (number := int(getattr(signal, "SIG" + name)))}
NOT_STARTED = 255


class Session(asyncssh.SSHServerSession[bytes]):
    """Starts the program through the node's agent and pumps its bytes; ends with the program's own exit status."""

    def __init__(self, connection: NodeConnection) -> None:
        self._connection = connection
        self._node = connection.node
        self._pump: Pump | None = None
        self._program: Program | None = None
        self._term = ""
        self._size = (24, 80, 0, 0)
        self._modes: Mapping[int, int] = {}
        self._command: str | None = None
        self._subsystem = ""
        self._early_input: list[bytes] = []
        self._early_eof = False
        self._closed = False
        self._holders: set[str] = set()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # -- requests of the client, before anything starts ---------------------------------------

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        """Keep the channel; nothing has been requested yet."""
        self._channel = chan

    def pty_requested(
        self, term_type: str, term_size: tuple[int, int, int, int], term_modes: Mapping[int, int]
    ) -> bool:
        """Remember the terminal."""
        self._term, self._modes = term_type or "dumb", dict(term_modes)
        self._size = _rows_first(*term_size)
        return True

    def shell_requested(self) -> bool:
        """Accept: a login shell can always be had."""
        return True

    def exec_requested(self, command: str) -> bool:
        """Accept any command that the system can start."""
        self._command = command
        return "\0" not in command

    def subsystem_requested(self, subsystem: str) -> bool:
        """Accept only sftp, and only where the machine has an sftp server."""
        self._subsystem = subsystem
        return subsystem == "sftp" and sftp_server() is not None

    def session_started(self) -> None:
        """Start the program. What the client sends meanwhile waits in the channel."""
        self._connection.sessions.add(self)
        self._connection.create_task(self._start())

    async def _start(self) -> None:
        try:
            program, argv = self._program_and_arguments()
            pty = {"size": self._size, "modes": self._modes} if self._term else None
            started = await self._node.agent().spawn(program, argv, self._environment(), self._node.home, pty)
        except (AgentError, ChannelClosed) as error:
            if not self._closed:
                self._channel.write_stderr(f"{self._node.hostname}: {error}\r\n".encode())
                self._channel.exit(NOT_STARTED)
            return
        self._program = started
        self._pump = Pump(self._channel, started.descriptors, self._drained)
        self._pump.hold(bool(self._holders))
        if self._closed:
            self._pump.close()
            return
        self.terminal_size_changed(self._size[1], self._size[0], self._size[2], self._size[3])
        for data in self._early_input:
            self._pump.feed(data)
        self._early_input.clear()
        self._channel.resume_reading()
        if self._early_eof:
            self._pump.feed_end()
        await started.ended
        if not self._closed:
            self._pump.finish()

    def _program_and_arguments(self) -> tuple[str, list[str]]:
        shell = login_shell()
        if forced := self._forced_command():
            return shell, [shell, "-c", forced]
        if self._subsystem and (sftp := sftp_server()):
            return sftp, [sftp]
        if self._command is not None:
            return shell, [shell, "-c", self._command]
        return shell, ["-" + shell.rpartition("/")[2]]

    def _forced_command(self) -> str:
        """Return the one command that this key or certificate may run; an empty text if it is not restricted."""
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
            "SHELL": login_shell(),
            "LANG": "C.UTF-8",
            **self._node.environment,
            "SSH_CLIENT": f"{peer[0]} {peer[1]} {local[1]}",
            "SSH_CONNECTION": f"{peer[0]} {peer[1]} {local[0]} {local[1]}",
        }
        env |= accepted_environment(self._channel.get_environment())
        if self._command is not None and self._forced_command():
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
        """Pass bytes to the program."""
        if self._pump is not None:
            self._pump.feed(data)
        else:
            # asyncssh starts to read once session_started returns, even if that paused it: pause here instead.
            self._early_input.append(data)
            self._channel.pause_reading()

    def eof_received(self) -> bool:
        """End the program's input; its output may still come."""
        if self._pump is not None:
            self._pump.feed_end()
        else:
            self._early_eof = True
        return True

    def pause_writing(self) -> None:
        """Stop reading the program: the client's window is full."""
        self._hold("channel", True)

    def resume_writing(self) -> None:
        """Read the program again: the client's window has room."""
        self._hold("channel", False)

    def hold(self, held: bool) -> None:
        """Stop reading the program, or read it again: the whole connection is full, or no longer."""
        self._hold("connection", held)

    def _hold(self, holder: str, held: bool) -> None:
        if held:
            self._holders.add(holder)
        else:
            self._holders.discard(holder)
        if self._pump is not None:
            self._pump.hold(bool(self._holders))

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        """Resize the terminal; the kernel tells its programs."""
        self._size = _rows_first(width, height, pixwidth, pixheight)
        if self._pump is not None and self._pump.terminal is not None:
            fcntl.ioctl(self._pump.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *self._size))

    def signal_received(self, signal: str) -> None:
        """Pass a signal to the program."""
        if self._program is not None and signal in SIGNALS:
            self._connection.create_task(self._send_signal(self._program, signal))

    def break_received(self, msec: int) -> bool:
        """Interrupt the program, as a terminal's interrupt key does."""
        self.signal_received("INT")
        return True

    async def _send_signal(self, program: Program, name: str) -> None:
        try:
            await self._node.agent().signal(program, name)
        except (AgentError, ChannelClosed):
            pass  # it has ended meanwhile

    # -- the end ---------------------------------------------------------------------------------

    def _drained(self) -> None:
        """Report the exit status once the program has ended; all its output is read."""
        if self._program is not None and not self._closed:
            self._program.ended.add_done_callback(self._report_exit)

    def _report_exit(self, ended: "asyncio.Future[tuple[int, bool]]") -> None:
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
        """Let go of the program. On a terminal it gets a hang-up, as with any SSH server."""
        self._closed = True
        if self._pump is not None:
            self._pump.close()
        self._connection.sessions.discard(self)
        if not self.done.done():
            self.done.set_result(None)


def _rows_first(width: int, height: int, pixwidth: int, pixheight: int) -> tuple[int, int, int, int]:
    """Return a size in the kernel's order, each number within what a terminal can have."""
    columns, rows = width or 80, height or 24
    return min(rows, 65535), min(columns, 65535), min(pixwidth, 65535), min(pixheight, 65535)
