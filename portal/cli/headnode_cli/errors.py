"""How a command ends when it cannot do what was asked: one sentence, and an exit status that scripts can rely on."""

from __future__ import annotations

import enum


class Exit(enum.IntEnum):
    """The exit statuses. Stable: scripts compare them."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_SIGNED_IN = 3
    NOT_THERE = 4
    REFUSED = 5
    UNREACHABLE = 6
    # Of `run`, `logs -f` and `ssh`, whose other statuses are the job's or the command's own.
    OWN_FAILURE = 125


class CLIError(Exception):
    """Raised to end the command with a sentence on standard error. `reason` is the portal's word for a refusal."""

    status = Exit.FAILED

    def __init__(self, sentence: str, reason: str = "") -> None:
        super().__init__(sentence)
        self.reason = reason


class WrongUsage(CLIError):
    """The command was written wrongly."""

    status = Exit.USAGE


class NotSignedIn(CLIError):
    """There is no token, or the portal no longer accepts it."""

    status = Exit.NOT_SIGNED_IN


class NotThere(CLIError):
    """What was named is not there, or may not be seen."""

    status = Exit.NOT_THERE


class Refused(CLIError):
    """The portal said no, with a reason."""

    status = Exit.REFUSED


class Unreachable(CLIError):
    """The portal did not answer."""

    status = Exit.UNREACHABLE


class Failed(CLIError):
    """The portal, or a proxy before it, failed while it worked on a request (5xx)."""
