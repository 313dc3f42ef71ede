"""The errors of SSH connections and commands, and which of them are worth a retry.

    SSHError
    ├── Unreachable            nothing answers at the address                        retryable
    ├── AddressForbidden       the name leads to where this target must not be       never
    ├── HandshakeFailed        something answers, but SSH could not be negotiated    retryable
    ├── HostKeyChanged         the host key is not a pinned one: raises an alarm     never
    ├── CredentialRefused      the node does not accept our certificate              never
    ├── ChannelRefused         connected, but no shell, command or sftp was given    never
    ├── ConnectionLost         the connection broke                                  retryable
    ├── CommandTimedOut        the command did not end in time                       retryable
    └── OutputTooLong          the command printed more than the caller allows       never

Retryable means that the same attempt may succeed later. A command that ran and failed raises none of these: it has a
`Result` with its exit status. Messages name the node and never contain a secret.
"""

import paramiko


class SSHError(Exception):
    """A connection or a command failed. `reason` is a stable word for programs, the text is for people."""

    reason = "ssh_failed"
    retryable = False


class Unreachable(SSHError):
    """No TCP connection: refused, no route, or no answer in time."""

    reason = "unreachable"
    retryable = True


class AddressForbidden(SSHError):
    """The target's name leads to an address in a block that is forbidden for it. Nothing was sent there."""

    reason = "address_forbidden"


class HandshakeFailed(SSHError):
    """TCP works, SSH does not: wrong protocol, no common algorithm, or the node hung up (its message is quoted)."""

    reason = "handshake_failed"
    retryable = True


class HostKeyChanged(SSHError):
    """The node proved a host key that is not pinned, or offers no key of a pinned type.

    `shown` is the fingerprint of the key it proved; empty where it has no key of a pinned type.
    """

    reason = "host_key_changed"

    def __init__(self, message: str, shown: str = "") -> None:
        super().__init__(message)
        self.shown = shown


class CredentialRefused(SSHError):
    """The host key is right, but the node does not accept our certificate."""

    reason = "credential_refused"


class ChannelRefused(SSHError):
    """Logged in, but the node refused the shell, command or subsystem."""

    reason = "channel_refused"


class ConnectionLost(SSHError):
    """The connection broke after it had worked."""

    reason = "connection_lost"
    retryable = True


class CommandTimedOut(SSHError):
    """We ended the command because its time was up. It may have done part of its work."""

    reason = "timed_out"
    retryable = True


class OutputTooLong(SSHError):
    """We ended the command because it printed too much."""

    reason = "output_too_long"


class ProtocolError(paramiko.SSHException):
    """The node sent what the SSH protocol does not allow. Stays inside this room: callers see `ConnectionLost`.

    An SSHException, because paramiko's thread reads packets through our code, too.
    """
