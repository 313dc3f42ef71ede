"""A line: one SSH connection with many shells on it, carried by the event loop. No thread, nothing that waits.

paramiko connects, negotiates and logs in, in a thread of its own that ends there (`transport.log_in`). After that the
socket belongs to the loop: `wire` opens and seals the packets, paramiko's own handlers deal with new keys and global
requests, and the session channels are ours: each a `Shell`.

The socket is always read, so that a shell nobody reads cannot hold up the others; what a shell may print ahead is
bounded by its SSH window, which only `Shell.grant` opens.
"""

import asyncio
import contextlib
import itertools
import socket
import struct
from collections.abc import Callable
from typing import Any, cast

import paramiko
from cryptography.exceptions import InvalidTag
from paramiko.message import Message

from sshgateway.ssh import host_keys
from sshgateway.ssh.errors import ChannelRefused, CommandTimedOut, ConnectionLost, SSHError
from sshgateway.ssh.packetizer import Wire
from sshgateway.ssh.shell_channel import Shell
from sshgateway.ssh.transport import KEEPALIVE_SECONDS, LoggedIn

# SSH message numbers (RFC 4250).
DISCONNECT, IGNORE, UNIMPLEMENTED, DEBUG, NEWKEYS, GLOBAL_REQUEST = 1, 2, 3, 4, 21, 80
KEX_FIRST, KEX_LAST = 30, 41
CHANNEL_FIRST, CHANNEL_DATA, CHANNEL_LAST = 91, 94, 100
OPEN_SECONDS = 10.0
# What a peer that does not keep to the protocol, or a broken line, makes paramiko or us raise.
_BROKEN = (
    paramiko.SSHException, EOFError, OSError, InvalidTag, ArithmeticError, AttributeError, LookupError, TypeError,
    ValueError, struct.error,
)  # fmt: skip
# Beyond the first, shells take no input until the node has read; beyond the second it will never be read.
MUCH_UNSENT, MOST_UNSENT = 128 * 1024, 4 * 1024 * 1024
# Messages that wait for new keys; shells take no input meanwhile.
MOST_HELD = 1000


class SSHConnection(asyncio.Protocol):
    """One connection to a node. `carry` makes it; `close` ends it and every shell on it."""

    def __init__(self, login: LoggedIn) -> None:
        self.target = login.target
        # paramiko's own state, which says of itself little that is public.
        self._ssh: Any = login.transport
        self._pinned = login.pinned
        wire = login.transport.packetizer
        assert isinstance(wire, Wire)  # noqa: S101 - `log_in` was told so
        self._wire = wire
        self._loop = asyncio.get_running_loop()
        self._socket: asyncio.Transport | None = None
        self._shells: dict[int, Shell] = {}
        self._numbers = itertools.count()
        # What we want to send while new keys are negotiated.
        self._held: list[bytes] = []
        self._is_full = self._was_negotiating = False
        self._printed: set[Shell] = set()
        self._keepalive: asyncio.TimerHandle | None = None
        self.active = True
        self.lost = asyncio.Event()
        self._gone = asyncio.Event()
        # Called when the last shell has gone, and when the line has.
        self.on_quiet: Callable[[], None] = lambda: None

    @property
    def shells(self) -> int:
        """How many shells it carries, those included that are being opened or closed."""
        return len(self._shells)

    @property
    def last_words(self) -> str:
        """What the node said when it hung up."""
        return str(self._ssh.last_words)

    async def open_shell(self, cols: int, rows: int, window: int, term: str = "xterm-256color") -> Shell:
        """A login shell on a terminal of its own, which may print `window` bytes before it is granted more.

        Raises ChannelRefused (too many on this connection, or no shell to be had), ConnectionLost, CommandTimedOut.
        """
        shell = Shell(self, next(self._numbers), window)
        self._shells[shell.number] = shell
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await shell.open(cols, rows, term)
        except BaseException as error:
            shell.close()
            if isinstance(error, (ChannelRefused, TimeoutError)):
                raise self._why(error) from None
            raise
        return shell

    def close(self) -> None:
        """Hang up. Idempotent."""
        if self._socket is not None:
            self._socket.close()  # what was written is still sent
        self._lose()

    async def wait_gone(self) -> None:
        """Wait until the loop has let go of the socket."""
        await self._gone.wait()

    # --- what shells call
    # ------------------------------------------------------------------------------------

    @property
    def has_room(self) -> bool:
        """Whether input may be sent now. When it may again, every listener hears `shell_writable`."""
        return not self._is_full and bool(self._ssh.clear_to_send.is_set())

    def send(self, payload: bytes) -> None:
        """Send one message, now or when the keys are there."""
        if not self.active:
            return
        if not self._ssh.clear_to_send.is_set():
            self._held.append(payload)
            if len(self._held) > MOST_HELD:
                self._break()
            return
        try:
            self._wire.send_payload(payload)
            self._check_unsent()
        except _BROKEN:
            self._break()

    def forget(self, shell: Shell) -> None:
        """This shell is closed, by both sides or for so long that the far end need not say so any more."""
        if self._shells.pop(shell.number, None) is not None and not self._shells:
            self.on_quiet()

    # --- the socket
    # -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The loop has the socket."""
        self._socket = cast(asyncio.Transport, transport)  # uvloop's has its methods without being one
        self._socket.set_write_buffer_limits(MUCH_UNSENT)
        self._wire.carry(self._socket.write)
        self._keepalive = self._loop.call_later(KEEPALIVE_SECONDS, self._keep_alive)

    def data_received(self, data: bytes) -> None:
        """Deal with every packet that is whole; then each shell hands on what it printed, in one piece."""
        try:
            for kind, payload in self._wire.packets(data):
                if kind == CHANNEL_DATA:
                    shell = self._shells.get(int.from_bytes(payload[:4], "big"))
                    if shell is not None:
                        shell.take(payload[8:])
                        self._printed.add(shell)
                elif CHANNEL_FIRST <= kind <= CHANNEL_LAST:
                    self._channel_message(kind, payload)
                else:
                    self._other(kind, payload)
            self._renew_keys()
            self._check_unsent()  # answers are sent past `send`
        except _BROKEN:
            self._hand_on()
            self._break()
            return
        self._hand_on()

    def connection_lost(self, error: Exception | None) -> None:
        """The socket is gone."""
        self._lose()
        self._gone.set()

    def pause_writing(self) -> None:
        """The node does not read what we say as fast as we say it."""
        self._is_full = True

    def resume_writing(self) -> None:
        """It has read most of it."""
        self._is_full = False
        self._tell_writable()

    def _tell_writable(self) -> None:
        for shell in list(self._shells.values()):
            shell.room()

    def _check_unsent(self) -> None:
        if self._socket is not None and self._socket.get_write_buffer_size() > MOST_UNSENT:
            raise EOFError("The far end does not read.")

    def _hand_on(self) -> None:
        while self._printed:
            self._printed.pop().hand_on()

    def _break(self) -> None:
        if self._socket is not None:
            self._socket.abort()
        self._lose()

    def _lose(self) -> None:
        if not self.active:
            return
        self.active = self._ssh.active = False
        if self._keepalive is not None:
            self._keepalive.cancel()
        self.lost.set()
        for shell in list(self._shells.values()):
            shell.line_lost()
        self._shells.clear()
        self._held.clear()
        self.on_quiet()

    # --- messages
    # ---------------------------------------------------------------------------------------------

    def _channel_message(self, kind: int, payload: bytes) -> None:
        shell = self._shells.get(int.from_bytes(payload[:4], "big"))
        if shell is None:
            return  # closed by us a moment ago
        if shell in self._printed:  # in order: first what it printed
            self._printed.discard(shell)
            shell.hand_on()
        shell.message(kind, payload[4:])

    def _other(self, kind: int, payload: bytes) -> None:
        """What `paramiko.Transport.run` does with messages that are no channel's."""
        if kind in (IGNORE, DEBUG, UNIMPLEMENTED):
            return
        ssh, message = self._ssh, Message(payload)
        message.seqno = 0
        if kind == DISCONNECT:
            ssh._parse_disconnect(message)
            raise EOFError
        if ssh._expected_packet:
            if kind not in ssh._expected_packet:
                raise paramiko.SSHException("Another message was expected")
            ssh._expected_packet = ()
            if KEX_FIRST <= kind <= KEX_LAST:
                ssh.kex_engine.parse_next(kind, message)
                return
        handler = ssh._handler_table.get(kind)
        if handler is None:
            self._wire.send_payload(bytes((UNIMPLEMENTED,)) + bytes(4))
            return
        handler(message)
        if kind == NEWKEYS:
            shown = ssh.get_remote_server_key().asbytes()
            if host_keys.matches(shown, self._pinned) is None:
                raise paramiko.SSHException("The host key changed with the new keys")

    def _renew_keys(self) -> None:
        if self._wire.need_rekey() and not self._ssh.in_kex:
            self._ssh._send_kex_init()
        self._was_negotiating = self._was_negotiating or not self._ssh.clear_to_send.is_set()
        if self._held and self._ssh.clear_to_send.is_set():
            held, self._held = self._held, []
            for payload in held:
                self.send(payload)
        if self._was_negotiating and self._ssh.clear_to_send.is_set():
            self._was_negotiating = False
            self._tell_writable()

    def _keep_alive(self) -> None:
        """Say something, so that firewalls and the kernel's own timeout see a line that is in use."""
        self.send(bytes((GLOBAL_REQUEST,)) + _text(b"keepalive@openssh.com") + b"\x01")
        self._keepalive = self._loop.call_later(KEEPALIVE_SECONDS, self._keep_alive)

    def _why(self, error: Exception) -> SSHError:
        where = self.target.where
        if not self.active:
            said = f' It said: "{self.last_words}"' if self.last_words else ""
            return ConnectionLost(f"The connection to {where} broke.{said}")
        if isinstance(error, ChannelRefused):
            return ChannelRefused(f"{where} refused what was asked for: {error}.")
        return CommandTimedOut(f"{where} did not open a shell within {OPEN_SECONDS:g} s.")


async def carry(login: LoggedIn) -> SSHConnection:
    """Put a connection that is logged in onto the running event loop."""
    line = SSHConnection(login)
    sock = login.transport.sock
    assert isinstance(sock, socket.socket)  # noqa: S101 - `log_in` made it
    sock.setblocking(False)
    try:
        await asyncio.get_running_loop().create_connection(lambda: line, sock=sock)
    except BaseException:
        with contextlib.suppress(OSError):
            sock.close()
        raise
    return line


def _text(text: bytes) -> bytes:
    return len(text).to_bytes(4, "big") + text
