"""Why a terminal ended, or why somebody may not be in it: a word for programs, a sentence for people. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class EndReason(StrEnum):
    """The reasons in END frames and in `end_reason` of sessions, each with a label and its usual sentence."""

    label: str
    sentence: str

    def __new__(cls, word: str, label: str, sentence: str) -> Self:
        """Make a member from its word on the wire, its label and its sentence."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.label = label
        member.sentence = sentence
        return member

    # The shell, or its people, ended it.
    EXITED = "exited", "Exited", "The shell ended."
    CLOSED_BY_OWNER = "closed_by_owner", "Closed by its owner", "You closed this terminal."
    ENDED_BY_ADMINISTRATOR = (
        "ended_by_administrator",
        "Ended by an administrator",
        "An administrator ended this terminal.",
    )
    IDLE = "idle", "Idle", "Nothing was typed for too long, so the shell was closed."
    DETACHED = "detached", "Browser disconnected", "Closed after the browser disconnected."
    NEVER_ATTACHED = "never_attached", "Never opened", "Nobody opened this terminal in time."

    # The node, or the way to it.
    NODE_GONE = "node_gone", "Node gone", "The node is shutting down or gone, and the shell with it."
    NOT_READY = "not_ready", "Node not ready", "The node is not ready yet. Try again in a moment."
    CLUSTER_GONE = (
        "cluster_gone",
        "Cluster ended",
        "The cluster was terminated, so there is no node to connect to.",
    )
    CONNECTION_LOST = (
        "connection_lost",
        "Connection lost",
        "The connection to the node broke, and the shell with it. Open a new one.",
    )
    UNREACHABLE = (
        "unreachable",
        "Node unreachable",
        "The node cannot be reached. It may still be starting or already be gone; try again in a moment.",
    )
    ADDRESS_FORBIDDEN = (
        "address_forbidden",
        "Address not allowed",
        "The name leads to an address of a job's node, so nothing was sent there. Tell your administrator.",
    )
    HANDSHAKE_FAILED = (
        "handshake_failed",
        "SSH handshake failed",
        "The node answered, but no SSH connection could be made. Try again in a moment.",
    )
    HOST_KEY_CHANGED = (
        "host_key_changed",
        "Host key changed",
        "The node's host key is not the registered one, so nothing was sent to it. Tell your administrator.",
    )
    CREDENTIAL_REFUSED = (
        "credential_refused",
        "Certificate refused",
        "The node did not accept the portal's certificate. Tell your administrator.",
    )
    CHANNEL_REFUSED = "channel_refused", "Shell refused", "The node let us in but would not open a shell."
    TIMED_OUT = (
        "timed_out",
        "Timed out",
        "The node took too long to answer. Try again in a moment.",
    )

    # Access.
    NOT_FOUND = "not_found", "Not found", "There is no such terminal session."
    NOT_SIGNED_IN = (
        "not_signed_in",
        "Signed out",
        "You signed out, or your session or token was revoked. Sign in again, then come back.",
    )
    ACCESS_WITHDRAWN = "access_withdrawn", "Access withdrawn", "Your access to this node was withdrawn."
    CIDR_DENIED = (
        "cidr_denied",
        "Address not allowed",
        "Your address is in none of your access rules. Add it in Job Settings, then come back.",
    )
    SSH_ACCESS_OFF = (
        "ssh_access_off",
        "SSH access off",
        "SSH access is switched off in Job Settings. Switch it on to connect.",
    )
    NOT_ALLOWED = (
        "not_allowed",
        "Not allowed",
        "You may not use this machine any more. Ask your administrator.",
    )
    UNKNOWN_SUBJECT = (
        "unknown_subject",
        "Unknown subject",
        "The portal does not know what this terminal belongs to, so nobody may use it. Tell your administrator.",
    )
    SHARE_REVOKED = "share_revoked", "Share revoked", "This terminal is not shared with you any more."
    NOT_CONFIRMED = (
        "not_confirmed",
        "Access not confirmed",
        "The portal could not check whether you may still be in this terminal. Try again in a moment.",
    )
    MACHINE_REMOVED = (
        "machine_removed",
        "Machine removed",
        "An administrator removed this machine from the portal, and the shell ended with it.",
    )
    MACHINE_DISABLED = (
        "machine_disabled",
        "Machine switched off",
        "An administrator switched this machine off in the portal.",
    )
    MACHINE_CHANGED = (
        "machine_changed",
        "Machine changed",
        "An administrator changed this machine's address or host key. Open a new terminal.",
    )

    # The portal.
    NOT_STARTED = "not_started", "Not opened yet", "Its owner has not opened this terminal yet."
    ELSEWHERE = "elsewhere", "In another process", "This terminal is in another portal process; reload."
    RECORDING_FAILED = (
        "recording_failed",
        "Recording failed",
        "The required recording could not be saved, so the shell was closed. Tell your administrator.",
    )
    SERVER_STOPPING = (
        "server_stopping",
        "Portal restarted",
        "The portal was restarted and this shell was closed. Open a new one.",
    )
    GATEWAY_LOST = (
        "gateway_lost",
        "Portal process lost",
        "The portal process that held this shell is gone, and the shell with it. Open a new one.",
    )
    SERVER_ERROR = "server_error", "Portal error", "Something went wrong in the portal. Try again."
    SHELL_FAILED = (
        "shell_failed",
        "Portal error",
        "Something went wrong in the portal, and the shell was closed. Open a new one.",
    )


_SENTENCES = {reason.value: reason.sentence for reason in EndReason}
UNKNOWN_REASON = "This terminal was closed."

# Ends that say nothing against the owner's access: their connections to nodes may still be used.
KEEPS_ACCESS = frozenset({EndReason.CLOSED_BY_OWNER, EndReason.ENDED_BY_ADMINISTRATOR})

# Reasons whose sentences are meant for the owner: they name the owner's address, or the owner's keys and rules.
_FOR_OWNER_ONLY = frozenset(
    {
        EndReason.CIDR_DENIED,
        EndReason.SSH_ACCESS_OFF,
        EndReason.NOT_FOUND,
        EndReason.NOT_SIGNED_IN,
        EndReason.ACCESS_WITHDRAWN,
    }
)


@dataclass(frozen=True)
class End:
    """How a session ended. `reason` is an EndReason, or the word of a check that the app above registered.

    `exit_status` is set only where the shell exited by itself.
    """

    reason: str
    message: str
    exit_status: int | None = None


def end_for(reason: str, message: str = "", exit_status: int | None = None) -> End:
    """Return the end for `reason`, with its usual sentence unless `message` is given."""
    if not message:
        message = _SENTENCES.get(reason, UNKNOWN_REASON)
        if reason == EndReason.EXITED and exit_status not in (None, 0):
            message = f"The shell ended with exit status {exit_status}."
    return End(reason, message, exit_status)


def as_told_to_guest(end: End, owner_name: str) -> End:
    """Return the end of somebody else's terminal in words for the people it was shared with."""
    if end.reason == EndReason.CLOSED_BY_OWNER:
        return End(end.reason, f"{owner_name} closed this terminal.", end.exit_status)
    if end.reason in _FOR_OWNER_ONLY:
        message = f"{owner_name} has no access to this node any more, so the shell was closed."
        return End(EndReason.ACCESS_WITHDRAWN, message)
    return end
