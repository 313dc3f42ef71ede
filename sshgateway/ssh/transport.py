"""SSH connections to pinned hosts: the one room that knows paramiko.

`connect` opens TCP, negotiates only algorithms that can prove one of the target's pinned host keys,
compares the key, and only then logs in, with a certificate made for this connection. There is no way to
connect to a host whose key is not known beforehand. Errors: see the tree in `sshgateway.ssh.errors`, whose
classes are re-exported here.

Blocking: call from a worker thread, never on an event loop. A `Connection` may be used by several threads
at once. What a command prints stays bytes: decoding, like quoting, is the caller's. Nothing secret is
logged, by us or paramiko.
"""

import io
import logging
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import paramiko

from sshgateway.certificates import credentials
from sshgateway.certificates.credentials import Credential
from sshgateway.ssh import host_keys, tcp_connect
from sshgateway.ssh.errors import (
    ChannelRefused,
    CommandTimedOut,
    ConnectionLost,
    CredentialRefused,
    HandshakeFailed,
    HostKeyChanged,
    OutputTooLong,
    SSHError,
    Unreachable,
)
from sshgateway.ssh.host_keys import HostKey
from sshgateway.ssh.packetizer import HandedOver, Wire
from sshgateway.ssh.targets import Target

__all__ = [
    "SFTP",
    "ChannelRefused",
    "CommandTimedOut",
    "Connection",
    "ConnectionLost",
    "CredentialRefused",
    "HandshakeFailed",
    "HostKeyChanged",
    "OutputTooLong",
    "Result",
    "SSHError",
    "Unreachable",
    "connect",
]

# What `Connection.sftp` gives; others need no paramiko of their own to name it.
SFTP = paramiko.SFTPClient

# GCM first: measured, it moves twice what aes128-ctr does. No CBC, no 3DES.
CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes256-ctr")
# A server chooses when new keys are negotiated, and with 8192-bit groups that takes a second of somebody's event loop.
# Whoever takes our Ed25519 certificates knows these.
KEY_EXCHANGES = (
    "mlkem768x25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
)
MOST_EXTENSIONS = 100
KEEPALIVE_SECONDS = 20
# The kernel gives up on a peer that acknowledges nothing for this long, so no thread of ours hangs on it.
DEAD_PEER_MILLISECONDS = 30_000
WINDOW = 2 * 1024 * 1024
OUTPUT_LIMIT = 8 * 1024 * 1024
CHUNK = 64 * 1024

# paramiko tells of every broken connection with a traceback; ours says it once, in a sentence.
_PARAMIKO_LOG = "sshgateway.paramiko"
logging.getLogger(_PARAMIKO_LOG).setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Result:
    """What a command answered. An exit status of -1: it was ended by a signal."""

    exit_status: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True)
class LoggedIn:
    """A connection that paramiko negotiated and logged in, before anything else was asked of it."""

    transport: "_Transport"
    target: Target
    host_key: HostKey
    pinned: tuple[HostKey, ...]


def connect(target: Target, *, timeout: float = 10.0, credential: Credential | None = None) -> "Connection":
    """Connect to `target` and log in, within `timeout` seconds in all. Raises one of the SSHError tree.

    Without a `credential` one is issued, which reads the database: pass one where that may not be.
    """
    if credential is None:
        credential = credentials.issue(target.principal, for_whom=f"headnode {target.subject}".strip())
    login = log_in(target, credential, timeout=timeout)
    login.transport.set_keepalive(KEEPALIVE_SECONDS)
    return Connection(login.transport, target, login.host_key)


def log_in(
    target: Target, credential: Credential, *, timeout: float = 10.0, leave_thread: bool = False
) -> LoggedIn:
    """Connect and log in. With `leave_thread` paramiko's thread has ended: `line.carry` puts the rest on a loop."""
    deadline = time.monotonic() + timeout
    pinned = [host_keys.parse(line) for line in target.host_keys]
    transport = _Transport(_dial(target, timeout), packetizer_class=Wire if leave_thread else None)
    if isinstance(transport.packetizer, Wire):
        transport.packetizer.leave_when = transport.is_authenticated
    try:
        host_key = _handshake(transport, target, pinned, deadline)
        _log_in(transport, target, credential, deadline)
        if leave_thread:
            transport.join(max(deadline - time.monotonic(), 0.1))
            if transport.is_alive():
                raise HandshakeFailed(f"{target.where} let us in and then said nothing more.")
    except BaseException:
        transport.close()
        raise
    return LoggedIn(transport, target, host_key, tuple(pinned))


class Connection:
    """An authenticated connection to a node that proved its host key. Close it; a context manager does."""

    def __init__(self, transport: "_Transport", target: Target, host_key: HostKey) -> None:
        self._transport = transport
        self.target = target
        self.host_key = host_key

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def active(self) -> bool:
        """Whether the connection stands, as far as is known."""
        return self._transport.is_active()

    @property
    def last_words(self) -> str:
        """What the node said when it hung up; empty when it did not say."""
        return self._transport.last_words

    def close(self) -> None:
        """Close the connection and everything on it. Idempotent."""
        self._transport.close()

    def run(
        self,
        command: str | bytes,
        *,
        stdin: bytes | None = None,
        timeout: float = 30.0,
        output_limit: int = OUTPUT_LIMIT,
    ) -> Result:
        """Run `command` in the node's login shell and wait for its end.

        The command goes over as it is: quoting is the caller's. Without `stdin` the command reads end of
        file. `output_limit` bounds stdout and stderr together, so memory is bounded too.
        """
        deadline = time.monotonic() + timeout
        with self._channel(timeout) as channel:
            try:
                channel.exec_command(command)
                return _follow(channel, stdin or b"", deadline, output_limit)
            except _TimeUp:
                raise CommandTimedOut(
                    f"The command on {self.target.where} did not end within {timeout:g} s."
                ) from None
            except _TooLong:
                raise OutputTooLong(
                    f"The command on {self.target.where} printed more than {output_limit} bytes."
                ) from None
            except (paramiko.SSHException, OSError, EOFError) as error:
                raise self._broken(error) from None

    @contextmanager
    def sftp(self, timeout: float = 30.0) -> Iterator[paramiko.SFTPClient]:
        """An SFTP client; each of its answers must come within `timeout`."""
        with self._channel(timeout) as channel:
            try:
                channel.invoke_subsystem("sftp")
                client = paramiko.SFTPClient(channel)
            except (paramiko.SSHException, OSError, EOFError) as error:
                raise self._broken(error) from None
            with client:
                yield client

    def try_shell(self, timeout: float = 10.0) -> None:
        """Open a login shell on a terminal, as a browser terminal does, and leave it at once."""
        with self._channel(timeout) as channel:
            try:
                channel.get_pty("xterm-256color", 80, 24)
                channel.invoke_shell()
            except (paramiko.SSHException, OSError, EOFError) as error:
                raise self._broken(error) from None

    @contextmanager
    def _channel(self, timeout: float) -> Iterator[paramiko.Channel]:
        try:
            channel = self._transport.open_session(timeout=timeout)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._broken(error) from None
        try:
            channel.settimeout(timeout)
            yield channel
        finally:
            channel.close()

    def _broken(self, error: Exception) -> SSHError:
        if not self.active:
            return ConnectionLost(
                _with_last_words(f"The connection to {self.target.where} broke.", self.last_words)
            )
        return ChannelRefused(
            f"{self.target.where} refused what was asked for: {error or type(error).__name__}."
        )


class _Transport(paramiko.Transport):
    """A paramiko transport that keeps what the far end said when it hung up, and keeps quiet itself."""

    last_words = ""

    def __init__(self, sock: socket.socket, packetizer_class: type[Wire] | None = None) -> None:
        super().__init__(sock, default_window_size=WINDOW, packetizer_class=packetizer_class)
        self.set_log_channel(_PARAMIKO_LOG)
        options = self.get_security_options()
        options.ciphers = CIPHERS
        options.kex = tuple(name for name in options.kex if name in KEY_EXCHANGES)

    def run(self) -> None:
        """paramiko's thread, which may leave the connection to somebody else."""
        try:
            super().run()
        except HandedOver:
            # Or this list would keep the transport for ever.
            paramiko.transport._active_threads.remove(self)  # type: ignore[attr-defined]  # no public way

    def _parse_ext_info(self, message: paramiko.Message) -> None:
        # paramiko reads as many as the message says there are, and it may say four thousand million.
        if int.from_bytes(message.get_remainder()[:4], "big") > MOST_EXTENSIONS:
            raise paramiko.SSHException("Too many extensions")
        super()._parse_ext_info(message)  # type: ignore[misc]  # paramiko's own

    def _parse_disconnect(self, message: paramiko.Message) -> None:
        # paramiko only logs this text, but it is where a node says why it refuses us.
        message.get_int()
        self.last_words = "".join(c for c in message.get_text()[:500] if c.isprintable())


def _dial(target: Target, timeout: float) -> socket.socket:
    try:
        sock = tcp_connect.dial(target.address, target.port, timeout)
    except OSError as error:
        cause = (
            "no answer in time" if isinstance(error, TimeoutError) else (error.strerror or "no connection")
        )
        raise Unreachable(f"{target.where} cannot be reached: {cause.lower()}.") from None
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_PEER_MILLISECONDS)
    return sock


def _handshake(transport: _Transport, target: Target, pinned: list[HostKey], deadline: float) -> HostKey:
    """Negotiate and compare the host key, before anything of ours is said. Answers the key that was proved."""
    transport.get_security_options().key_types = host_keys.algorithms(pinned)
    left = max(deadline - time.monotonic(), 0.1)
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = left
    negotiated = threading.Event()
    transport.start_client(event=negotiated)
    done = negotiated.wait(left)
    if not done or not transport.is_active():
        error = transport.get_exception()
        if isinstance(error, paramiko.ssh_exception.IncompatiblePeer) and "host key" in str(error):
            raise HostKeyChanged(
                f"{target.where} has no host key of the pinned types; it is not the node we know."
            )
        what = str(error) if isinstance(error, paramiko.SSHException) else "" if done else "no answer in time"
        sentence = f"{target.where} answers, but no SSH connection came about" + (
            f": {what}." if what else "."
        )
        raise HandshakeFailed(_with_last_words(sentence, transport.last_words))
    shown = transport.get_remote_server_key().asbytes()
    found = host_keys.matches(shown, pinned)
    if found is None:
        fingerprint = HostKey("", shown).fingerprint
        raise HostKeyChanged(
            f"{target.where} shows a host key that is not the pinned one "
            f"({fingerprint} instead of {pinned[0].fingerprint}); nothing was sent to it.",
            fingerprint,
        )
    return found


def _log_in(transport: _Transport, target: Target, credential: Credential, deadline: float) -> None:
    key = paramiko.Ed25519Key(file_obj=io.StringIO(credential.private_key))
    key.load_certificate(credential.certificate)
    transport.auth_timeout = max(deadline - time.monotonic(), 0.1)
    try:
        transport.auth_publickey(target.principal, key)
    except (paramiko.SSHException, OSError, EOFError):
        if not transport.is_active():
            raise HandshakeFailed(
                _with_last_words(f"{target.where} hung up while we logged in.", transport.last_words)
            ) from None
        raise CredentialRefused(f"{target.where} did not accept the portal's certificate.") from None


def _with_last_words(sentence: str, last_words: str) -> str:
    return f'{sentence} It said: "{last_words}"' if last_words else sentence


class _TimeUp(Exception):
    pass


class _TooLong(Exception):
    pass


def _send(channel: paramiko.Channel, data: bytes) -> int:
    try:
        return channel.send(data)
    except OSError:
        return 0  # the command ended without reading it all, as `head` does


def _follow(channel: paramiko.Channel, stdin: bytes, deadline: float, limit: int) -> Result:
    """Feed stdin and collect both outputs as they come, so that neither side waits for the other."""
    out, err = bytearray(), bytearray()
    poll = select.poll()
    poll.register(channel.fileno(), select.POLLIN)
    channel.settimeout(0.0)
    unsent = memoryview(stdin)
    if not unsent:
        channel.shutdown_write()
    while True:
        while unsent and not channel.closed and channel.send_ready():
            unsent = unsent[_send(channel, unsent[:CHUNK].tobytes()) :]
            if not unsent:
                channel.shutdown_write()
        if channel.closed:
            unsent = memoryview(b"")
        while channel.recv_ready():
            out += channel.recv(CHUNK)
        while channel.recv_stderr_ready():
            err += channel.recv_stderr(CHUNK)
        if len(out) + len(err) > limit:
            raise _TooLong
        if channel.eof_received or channel.closed:
            if not channel.recv_ready() and not channel.recv_stderr_ready():
                break
            continue
        left = deadline - time.monotonic()
        if left <= 0:
            raise _TimeUp
        # paramiko has no event for a send window that opens again: while there is something to send, look
        # often.
        poll.poll(min(left, 0.02 if unsent else left) * 1000)
    # The exit status may come a moment after the end of the output.
    if not channel.status_event.wait(max(deadline - time.monotonic(), 0.5)):
        raise _TimeUp
    if channel.exit_status == -1 and not channel.get_transport().is_active():
        raise EOFError
    return Result(channel.exit_status, bytes(out), bytes(err))
