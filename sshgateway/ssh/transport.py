"""SSH connections to pinned hosts for worker threads: connect, run commands, transfer files.

`connect` opens TCP, negotiates only algorithms that can prove one of the target's pinned host keys, compares the key,
and only then logs in, with the given credential. There is no way to connect to a host whose key is not known
beforehand. The errors, re-exported here, are those of `sshgateway.ssh.errors`.

Blocking: call it from a worker thread, never on an event loop. Several threads may use one `Connection` at once. What
a command prints stays bytes: decoding, like quoting, is up to the caller. Neither we nor paramiko log a secret.
"""

import io
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self

import paramiko

from sshgateway.ssh import host_keys, tcp_connect
from sshgateway.ssh.closed_channels import ClosedChannels
from sshgateway.ssh.command_output import Result, TimeUp, TooLong, collect_output
from sshgateway.ssh.credential import Credential
from sshgateway.ssh.errors import (
    AddressForbidden,
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
from sshgateway.ssh.packetizer import HandedOver, LoopPacketizer
from sshgateway.ssh.sftp import SFTP
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

# GCM first: measured, it is twice as fast as aes128-ctr. No CBC, no 3DES.
CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes256-ctr")
# A node decides when new keys are negotiated, and 8192-bit groups would block the event loop for a second. Every server
# that accepts our Ed25519 certificates supports these.
KEY_EXCHANGES = (
    "mlkem768x25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
)
MAX_EXTENSIONS = 100
KEEPALIVE_SECONDS = 20
# The kernel drops a peer that acknowledges nothing for this long, so that no thread of ours waits for it.
DEAD_PEER_MILLISECONDS = 30_000
WINDOW = 2 * 1024 * 1024
OUTPUT_LIMIT = 8 * 1024 * 1024

# paramiko logs every broken connection with a traceback; our errors say it once, in a sentence.
_PARAMIKO_LOG = "sshgateway.paramiko"
logging.getLogger(_PARAMIKO_LOG).setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class LoggedIn:
    """A connection that is negotiated and logged in, before anything else was requested on it."""

    transport: "_Transport"
    target: Target
    host_key: HostKey
    pinned: tuple[HostKey, ...]


def connect(target: Target, *, credential: Credential, timeout: float = 10.0) -> "Connection":
    """Connect to `target` and log in, within `timeout` seconds in all. Raises an SSHError. Reads no database."""
    login = log_in(target, credential, timeout=timeout)
    login.transport.set_keepalive(KEEPALIVE_SECONDS)
    return Connection(login.transport, target, login.host_key)


def log_in(
    target: Target, credential: Credential, *, timeout: float = 10.0, for_loop: bool = False
) -> LoggedIn:
    """Connect and log in. Raises an SSHError.

    With `for_loop`, paramiko's thread has ended on return: `ssh_connection.attach_to_loop` does the rest.
    """
    deadline = time.monotonic() + timeout
    pinned = [host_keys.parse(line) for line in target.host_keys]
    transport = _Transport(_open_socket(target, timeout), for_loop=for_loop)
    try:
        host_key = _handshake(transport, target, pinned, deadline)
        _authenticate(transport, target, credential, deadline)
        if for_loop:
            transport.join(max(deadline - time.monotonic(), 0.1))
            if transport.is_alive():
                raise HandshakeFailed(f"{target.where} let us in and then said nothing more.")
    except BaseException:
        transport.close()
        raise
    return LoggedIn(transport, target, host_key, tuple(pinned))


class Connection:
    """An authenticated connection to a node that proved its host key. Close it, or use it as a context manager."""

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
        """Whether the connection works, as far as is known."""
        return self._transport.is_active()

    @property
    def disconnect_message(self) -> str:
        """What the node said when it hung up; empty if it said nothing."""
        return self._transport.disconnect_message

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
        """Run `command` in the login shell and wait for its end.

        The command is sent unchanged: the caller quotes it. Without `stdin` the command reads end of file.
        `output_limit` bounds stdout and stderr together, in bytes, and so memory.
        """
        deadline = time.monotonic() + timeout
        with self._channel(timeout) as channel:
            try:
                channel.exec_command(command)
                return collect_output(channel, stdin or b"", deadline, output_limit)
            except TimeUp:
                raise CommandTimedOut(
                    f"The command on {self.target.where} did not end within {timeout:g} s."
                ) from None
            except TooLong:
                raise OutputTooLong(
                    f"The command on {self.target.where} printed more than {output_limit} bytes."
                ) from None
            except (paramiko.SSHException, OSError, EOFError) as error:
                raise self._broken(error) from None

    @contextmanager
    def sftp(self, timeout: float = 30.0) -> Iterator[SFTP]:
        """Yield an SFTP client; the node must answer each request within `timeout` seconds."""
        with self._channel(timeout) as channel:
            try:
                channel.invoke_subsystem("sftp")
                client = SFTP(channel)
            except (paramiko.SSHException, OSError, EOFError) as error:
                raise self._broken(error) from None
            with client:
                yield client

    def try_shell(self, timeout: float = 10.0) -> None:
        """Open a login shell on a terminal, as a browser terminal does, and close it at once."""
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
                _with_disconnect_message(
                    f"The connection to {self.target.where} broke.", self.disconnect_message
                )
            )
        return ChannelRefused(
            f"{self.target.where} refused what was asked for: {error or type(error).__name__}."
        )


class _Transport(paramiko.Transport):
    """A paramiko transport that keeps what the node said when it hung up, and logs nothing itself."""

    disconnect_message = ""

    def __init__(self, sock: socket.socket, *, for_loop: bool) -> None:
        # With `for_loop`, paramiko's thread ends at the first packet after the login.
        packetizer: Any = partial(LoopPacketizer, leave_when=self.is_authenticated) if for_loop else None
        self._closed_channels = ClosedChannels()
        super().__init__(sock, default_window_size=WINDOW, packetizer_class=packetizer)
        self.set_log_channel(_PARAMIKO_LOG)
        options = self.get_security_options()
        options.ciphers = CIPHERS
        options.kex = tuple(name for name in options.kex if name in KEY_EXCHANGES)

    def run(self) -> None:
        """Run paramiko's thread, which may hand the connection over to an event loop."""
        try:
            super().run()
        except HandedOver:
            # Otherwise this list would keep the transport for ever.
            paramiko.transport._active_threads.remove(self)  # type: ignore[attr-defined]  # no public way

    def _send_message(self, data: paramiko.Message) -> None:
        send = partial(super()._send_message, data)  # type: ignore[misc]  # paramiko's own
        self._closed_channels.send(data.asbytes(), send)

    def _parse_channel_open_success(self, message: paramiko.Message) -> None:
        self._closed_channels.opened(int.from_bytes(message.get_remainder()[4:8], "big"))
        super()._parse_channel_open_success(message)  # type: ignore[misc]  # paramiko's own

    def _parse_ext_info(self, message: paramiko.Message) -> None:
        # paramiko reads as many as the message announces, which may be four thousand million.
        if int.from_bytes(message.get_remainder()[:4], "big") > MAX_EXTENSIONS:
            raise paramiko.SSHException("Too many extensions")
        super()._parse_ext_info(message)  # type: ignore[misc]  # paramiko's own

    def _parse_disconnect(self, message: paramiko.Message) -> None:
        # paramiko only logs this text, which is where a node says why it refuses us.
        message.get_int()
        self.disconnect_message = "".join(c for c in message.get_text()[:500] if c.isprintable())


def _open_socket(target: Target, timeout: float) -> socket.socket:
    try:
        sock = tcp_connect.connect_tcp(target.address, target.port, timeout, target.forbidden)
    except tcp_connect.ForbiddenAddress:
        raise AddressForbidden(
            f"{target.where} leads to an address that belongs to a node of a job. Nodes are reached through their jobs."
        ) from None
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
    """Negotiate and compare the host key, before we send anything. Return the key that was proved."""
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
        raise HandshakeFailed(_with_disconnect_message(sentence, transport.disconnect_message))
    shown = transport.get_remote_server_key().asbytes()
    matching = host_keys.matches(shown, pinned)
    if matching is None:
        fingerprint = HostKey("", shown).fingerprint
        raise HostKeyChanged(
            f"{target.where} shows a host key that is not the pinned one "
            f"({fingerprint} instead of {pinned[0].fingerprint}); nothing was sent to it.",
            fingerprint,
        )
    return matching


def _authenticate(transport: _Transport, target: Target, credential: Credential, deadline: float) -> None:
    key = paramiko.Ed25519Key(file_obj=io.StringIO(credential.private_key))
    key.load_certificate(credential.certificate)
    transport.auth_timeout = max(deadline - time.monotonic(), 0.1)
    try:
        transport.auth_publickey(target.principal, key)
    except (paramiko.SSHException, OSError, EOFError):
        if not transport.is_active():
            raise HandshakeFailed(
                _with_disconnect_message(
                    f"{target.where} hung up while we logged in.", transport.disconnect_message
                )
            ) from None
        raise CredentialRefused(f"{target.where} did not accept the portal's certificate.") from None


def _with_disconnect_message(sentence: str, message: str) -> str:
    return f'{sentence} It said: "{message}"' if message else sentence
