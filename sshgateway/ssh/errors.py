"""What can go wrong on the way to a command's answer, and whose fault it is.

    SSHError
    ├── Unreachable            nobody answers there (yet, or any more)              retryable
    ├── HandshakeFailed        something answers, but no SSH connection comes about retryable
    ├── HostKeyChanged         it is not the node we know: an alarm                 never
    ├── CredentialRefused      the node does not take our certificate               never
    ├── ChannelRefused         connected, but no shell, command or sftp was given   never
    ├── ConnectionLost         the connection broke on the way                      retryable
    ├── CommandTimedOut        the command did not end in time                      retryable
    └── OutputTooLong          the command printed more than was asked for          never

Retryable means: trying the same again later may well work. None of these is a failed command: a command
that ran has a `Result`, whatever its exit status. Messages name the node and never hold a secret.
"""


class SSHError(Exception):
    """Something between us and the command failed. `reason` is for programs, the text for people."""

    reason = "ssh_failed"
    retryable = False


class Unreachable(SSHError):
    """No TCP connection: refused, no route, no answer in time."""

    reason = "unreachable"
    retryable = True


class HandshakeFailed(SSHError):
    """TCP yes, SSH no: wrong protocol, no common algorithm, or the node hung up on us (its words are quoted)."""

    reason = "handshake_failed"
    retryable = True


class HostKeyChanged(SSHError):
    """The far end proved to hold a key, but none of the pinned ones, or offers none of their types.

    `shown` is the fingerprint of the key it proved; empty where it has none of the types.
    """

    reason = "host_key_changed"

    def __init__(self, message: str, shown: str = "") -> None:
        super().__init__(message)
        self.shown = shown


class CredentialRefused(SSHError):
    """The node is the right one and does not let us in."""

    reason = "credential_refused"


class ChannelRefused(SSHError):
    """Let in, but what was asked for next was refused."""

    reason = "channel_refused"


class ConnectionLost(SSHError):
    """It worked and then the connection broke."""

    reason = "connection_lost"
    retryable = True


class CommandTimedOut(SSHError):
    """The command was ended by us because its time was up. It may have done part of its work."""

    reason = "timed_out"
    retryable = True


class OutputTooLong(SSHError):
    """The command was ended by us because it printed too much."""

    reason = "output_too_long"
