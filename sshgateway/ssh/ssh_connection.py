"""One SSH connection with many shells on it, driven by the event loop. Uses no thread and never blocks.

paramiko connects, negotiates and logs in on a thread of its own that ends there (`transport.log_in`). After that the
socket belongs to the loop: `LoopPacketizer` decrypts and encrypts packets, paramiko's handlers deal with new keys and
global requests, and the session channels are ours, each a `ShellChannel`.

The socket is always read, so that a shell nobody reads cannot hold up the others. What a shell may print ahead is
bounded by its SSH window, which only `ShellChannel.grant` opens.
"""

import asyncio
import contextlib
import itertools
import logging
import socket
from collections.abc import Callable
from typing import Any, cast

import paramiko
from cryptography.exceptions import InvalidTag
from paramiko.message import Message

from sshgateway.ssh import host_keys
from sshgateway.ssh.errors import ChannelRefused, CommandTimedOut, ConnectionLost, ProtocolError, SSHError
from sshgateway.ssh.packetizer import LoopPacketizer
from sshgateway.ssh.shell_channel import ShellChannel
from sshgateway.ssh.transport import KEEPALIVE_SECONDS, LoggedIn

log = logging.getLogger(__name__)

# SSH message numbers (RFC 4250).
DISCONNECT, IGNORE, UNIMPLEMENTED, DEBUG, NEWKEYS, GLOBAL_REQUEST = 1, 2, 3, 4, 21, 80
KEX_FIRST, KEX_LAST = 30, 41
CHANNEL_FIRST, CHANNEL_DATA, CHANNEL_LAST = 91, 94, 100
OPEN_SECONDS = 10.0
# What a node that breaks the protocol, or a broken network, makes paramiko or us raise. ProtocolError is one of them.
_WIRE_ERRORS = (paramiko.SSHException, EOFError, OSError, InvalidTag)
# Above the first limit, shells take no input until the node has read; above the second, the node never will.
MUCH_UNSENT, MOST_UNSENT = 128 * 1024, 4 * 1024 * 1024
# Messages that wait for new keys; shells take no input meanwhile.
MAX_HELD = 1000


class SSHConnection(asyncio.Protocol):
    """One connection to a node. `attach_to_loop` makes it; `close` ends it and every shell on it.

    `on_idle` is called with the connection when its last shell has gone, and when the connection has.
    """

    def __init__(self, login: LoggedIn, on_idle: Callable[["SSHConnection"], None]) -> None:
        self.target = login.target
        # paramiko's own state, little of which is public.
        self._paramiko: Any = login.transport
        self._pinned = login.pinned
        packetizer = login.transport.packetizer
        assert isinstance(packetizer, LoopPacketizer)  # noqa: S101 - `log_in` was asked for one
        self._packetizer = packetizer
        self._on_idle = on_idle
        self._loop = asyncio.get_running_loop()
        self._socket: asyncio.Transport | None = None
        self._shells: dict[int, ShellChannel] = {}
        self._numbers = itertools.count()
        # What we want to send while new keys are negotiated.
        self._held: list[bytes] = []
        self._is_full = self._was_negotiating = False
        # Shells with output that was received and not yet delivered.
        self._undelivered: set[ShellChannel] = set()
        self._keepalive: asyncio.TimerHandle | None = None
        self.active = True
        # Whether a fault in the portal's own code ended the connection.
        self.failed = False
        self.lost = asyncio.Event()
        self._socket_closed = asyncio.Event()

    @property
    def shells(self) -> int:
        """How many shells it carries, including those being opened or closed."""
        return len(self._shells)

    @property
    def disconnect_message(self) -> str:
        """What the node said when it hung up; empty if it said nothing."""
        return str(self._paramiko.disconnect_message)

    async def open_shell(
        self, cols: int, rows: int, window: int, term: str = "xterm-256color"
    ) -> ShellChannel:
        """Open a login shell on a terminal of its own, which may print `window` bytes before it is granted more.

        Raises ChannelRefused (too many on this connection, or no shell at all), ConnectionLost, CommandTimedOut.
        """
        shell = ShellChannel(self, next(self._numbers), window)
        self._shells[shell.number] = shell
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await shell.open(cols, rows, term)
        except BaseException as error:
            shell.close()
            if isinstance(error, (ChannelRefused, TimeoutError)):
                raise self._explain(error) from None
            raise
        return shell

    def close(self) -> None:
        """Hang up. Idempotent."""
        if self._socket is not None:
            self._socket.close()  # what was written is still sent
        self._lose()

    async def wait_closed(self) -> None:
        """Wait until the loop has released the socket."""
        await self._socket_closed.wait()

    # --- called by shells
    # ------------------------------------------------------------------------------------

    @property
    def has_room(self) -> bool:
        """Whether input may be sent now. When that changes to yes, every shell is told."""
        return not self._is_full and bool(self._paramiko.clear_to_send.is_set())

    def send(self, payload: bytes) -> None:
        """Send one message, at once or as soon as new keys are agreed."""
        if not self.active:
            return
        if not self._paramiko.clear_to_send.is_set():
            self._held.append(payload)
            if len(self._held) > MAX_HELD:
                self._break(ProtocolError("The node does not finish the exchange of new keys."))
            return
        try:
            self._packetizer.send_payload(payload)
            self._check_unsent()
        except _WIRE_ERRORS as error:
            self._break(error)
        except Exception:  # a fault of ours: the packets' count is unknown now, so nothing more can be sent
            log.exception("A fault in the portal broke the connection to %s.", self.target.where)
            self._fail()

    def release(self, shell: ShellChannel) -> None:
        """Forget a shell that is closed by both sides, or by us for so long that the node need not confirm it."""
        if self._shells.pop(shell.number, None) is not None and not self._shells:
            self._on_idle(self)

    # --- called by the loop
    # -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self._socket = cast(asyncio.Transport, transport)  # uvloop's has its methods but is no subclass
        self._socket.set_write_buffer_limits(MUCH_UNSENT)
        self._packetizer.use_loop(self._socket.write)
        self._keepalive = self._loop.call_later(KEEPALIVE_SECONDS, self._keep_alive)

    def data_received(self, data: bytes) -> None:
        """Handle every complete packet; then deliver each shell's output in one piece."""
        try:
            for kind, payload in self._packetizer.packets(data):
                if kind == CHANNEL_DATA:
                    shell = self._shells.get(int.from_bytes(payload[:4], "big"))
                    if shell is not None:
                        shell.receive_output(payload[8:])
                        self._undelivered.add(shell)
                elif CHANNEL_FIRST <= kind <= CHANNEL_LAST:
                    self._handle_channel_message(kind, payload)
                else:
                    self._handle_message(kind, payload)
            self._renew_keys()
            self._check_unsent()  # paramiko's answers do not pass through `send`
        except _WIRE_ERRORS as error:
            self._deliver_output()
            self._break(error)
            return
        except Exception:  # a fault of ours: the stream of packets cannot be continued
            log.exception("A fault in the portal broke the connection to %s.", self.target.where)
            self._fail()
            return
        self._deliver_output()

    def connection_lost(self, error: Exception | None) -> None:
        """The socket is closed."""
        self._lose()
        self._socket_closed.set()

    def pause_writing(self) -> None:
        """The node does not read as fast as we send."""
        self._is_full = True

    def resume_writing(self) -> None:
        """The node has read most of what we sent."""
        self._is_full = False
        self._tell_writable()

    def _tell_writable(self) -> None:
        for shell in list(self._shells.values()):
            shell.tell_writable()

    def _check_unsent(self) -> None:
        if self._socket is not None and self._socket.get_write_buffer_size() > MOST_UNSENT:
            raise ProtocolError("The node does not read.")

    def _deliver_output(self) -> None:
        while self._undelivered:
            self._undelivered.pop().deliver_output()

    # --- the end
    # -------------------------------------------------------------------------------------------

    def _break(self, error: Exception) -> None:
        """End the connection because of what came over the wire, or did not."""
        log.info("The connection to %s broke: %s", self.target.where, str(error) or type(error).__name__)
        self._abort()

    def _fail(self) -> None:
        """End the connection because of a fault in the portal."""
        self.failed = True
        self._abort()

    def _abort(self) -> None:
        if self._socket is not None:
            self._socket.abort()
        self._lose()

    def _lose(self) -> None:
        if not self.active:
            return
        self.active = self._paramiko.active = False
        if self._keepalive is not None:
            self._keepalive.cancel()
        self.lost.set()
        for shell in list(self._shells.values()):
            shell.connection_lost()
        self._shells.clear()
        self._held.clear()
        self._on_idle(self)

    # --- messages
    # ---------------------------------------------------------------------------------------------

    def _handle_channel_message(self, kind: int, payload: bytes) -> None:
        shell = self._shells.get(int.from_bytes(payload[:4], "big"))
        if shell is None:
            return  # we closed it a moment ago
        if shell in self._undelivered:  # its output came before this message
            self._undelivered.discard(shell)
            shell.deliver_output()
        shell.handle_message(kind, payload[4:])

    def _handle_message(self, kind: int, payload: bytes) -> None:
        """Do what `paramiko.Transport.run` does with a message that belongs to no channel."""
        if kind in (IGNORE, DEBUG, UNIMPLEMENTED):
            return
        ssh, message = self._paramiko, Message(payload)
        message.seqno = 0
        if kind == DISCONNECT:
            self._by_paramiko(ssh._parse_disconnect, message)
            raise EOFError("the node hung up")
        if ssh._expected_packet:
            if kind not in ssh._expected_packet:
                raise ProtocolError("Another message was expected.")
            ssh._expected_packet = ()
            if KEX_FIRST <= kind <= KEX_LAST:
                self._by_paramiko(ssh.kex_engine.parse_next, kind, message)
                return
        handler = ssh._handler_table.get(kind)
        if handler is None:
            self._packetizer.send_payload(bytes((UNIMPLEMENTED,)) + bytes(4))
            return
        self._by_paramiko(handler, message)
        if kind == NEWKEYS:
            self._check_host_key()

    def _check_host_key(self) -> None:
        shown = self._paramiko.get_remote_server_key().asbytes()
        if host_keys.matches(shown, self._pinned) is None:
            raise ProtocolError("The host key changed with the new keys.")

    def _by_paramiko(self, handler: Callable[..., object], *arguments: object) -> None:
        """Have paramiko handle a message. Raises ProtocolError for one it cannot handle.

        paramiko checks little of a message before it uses it, so what it raises for a bad one may be anything.
        """
        try:
            handler(*arguments)
        except _WIRE_ERRORS:
            raise
        except Exception as error:
            log.info("paramiko could not handle a message from %s.", self.target.where, exc_info=True)
            raise ProtocolError(f"A message could not be handled ({type(error).__name__}).") from error

    def _renew_keys(self) -> None:
        if self._packetizer.need_rekey() and not self._paramiko.in_kex:
            self._paramiko._send_kex_init()
        can_send = self._paramiko.clear_to_send.is_set()
        self._was_negotiating = self._was_negotiating or not can_send
        if self._held and can_send:
            held, self._held = self._held, []
            for payload in held:
                self.send(payload)
        if self._was_negotiating and self._paramiko.clear_to_send.is_set():
            self._was_negotiating = False
            self._tell_writable()

    def _keep_alive(self) -> None:
        """Send something, so that firewalls and the kernel's timeout see a connection in use."""
        self.send(bytes((GLOBAL_REQUEST,)) + _string(b"keepalive@openssh.com") + b"\x01")
        self._keepalive = self._loop.call_later(KEEPALIVE_SECONDS, self._keep_alive)

    def _explain(self, error: Exception) -> SSHError:
        where = self.target.where
        if not self.active:
            said = f' It said: "{self.disconnect_message}"' if self.disconnect_message else ""
            return ConnectionLost(f"The connection to {where} broke.{said}")
        if isinstance(error, ChannelRefused):
            return ChannelRefused(f"{where} refused what was asked for: {error}.")
        return CommandTimedOut(f"{where} did not open a shell within {OPEN_SECONDS:g} s.")


async def attach_to_loop(login: LoggedIn, on_idle: Callable[[SSHConnection], None]) -> SSHConnection:
    """Move a connection that is logged in to the running event loop. `on_idle`: see `SSHConnection`."""
    connection = SSHConnection(login, on_idle)
    sock = login.transport.sock
    assert isinstance(sock, socket.socket)  # noqa: S101 - `log_in` made it
    sock.setblocking(False)
    try:
        await asyncio.get_running_loop().create_connection(lambda: connection, sock=sock)
    except BaseException:
        with contextlib.suppress(OSError):
            sock.close()
        raise
    return connection


def _string(text: bytes) -> bytes:
    return len(text).to_bytes(4, "big") + text
