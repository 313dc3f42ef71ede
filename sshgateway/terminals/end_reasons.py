"""Why a terminal session ended: one stable word for programs, one sentence for people.

Pure. A reason that is not listed (a gatekeeper's own, like `key_removed`) comes with its own sentence.
"""

from dataclasses import dataclass

SENTENCES: dict[str, str] = {
    "exited": "The shell ended.",
    "closed_by_owner": "You closed this terminal.",
    "ended_by_administrator": "An administrator ended this terminal.",
    "share_revoked": "This terminal is not shared with you any more.",
    "not_confirmed": "The portal could not check whether you may still be in this terminal. Try again in a moment.",
    "recording_failed": (
        "This terminal has to be recorded, and the recording could not be saved, so the shell was closed. "
        "Tell your administrator."
    ),
    "detached": "Nobody came back to this terminal in time, so its shell was closed.",
    "never_attached": "Nobody opened this terminal in time.",
    "node_gone": "The node is shutting down or gone, and the shell with it.",
    "connection_lost": "The connection to the node broke, and the shell with it. Open a new one.",
    "cidr_denied": "Your address is in none of your access rules any more. Add it in Job Settings, then come back.",
    "not_signed_in": "You signed out, or what you signed in with was revoked. Sign in again, then come back.",
    "access_withdrawn": "Your access to this node was withdrawn.",
    "host_key_changed": (
        "The node did not prove that it is the one we know: its host key is not the one it was registered with. "
        "Nothing was sent to it. Tell your administrator."
    ),
    "credential_refused": "The node did not accept the portal's certificate. Tell your administrator.",
    "unreachable": "The node cannot be reached. It may still be starting or already be gone; try again in a moment.",
    "handshake_failed": "The node answered, but no SSH connection came about. Try again in a moment.",
    "channel_refused": "The node let us in but would not open a shell.",
    "timed_out": "The node took too long to answer. Try again in a moment.",
    "server_stopping": "The portal was restarted and this shell was closed. Open a new one.",
    "gateway_lost": "The portal process that held this shell is gone, and the shell with it. Open a new one.",
    "idle": "Nothing was typed for too long, so the shell was closed.",
    "job_ended": "The job's cluster was shut down, and the shell with it.",
    "machine_removed": "An administrator removed this machine from the portal, and the shell ended with it.",
    "machine_disabled": "An administrator switched this machine off in the portal, so nobody is led there.",
    "machine_changed": "An administrator changed where this machine is or what it is known by. Open a new terminal.",
    "not_allowed": "You may not use this machine any more. Ask your administrator.",
}


@dataclass(frozen=True)
class End:
    """How a session ended. `exit_status` only where a shell really exited."""

    reason: str
    message: str
    exit_status: int | None = None


def end(reason: str, message: str = "", exit_status: int | None = None) -> End:
    """The end for `reason`, with its usual sentence unless another is given."""
    if not message:
        message = SENTENCES.get(reason, "This terminal was closed.")
        if reason == "exited" and exit_status not in (None, 0):
            message = f"The shell ended with exit status {exit_status}."
    return End(reason, message, exit_status)


# What these say is meant for the owner: it names their address, or speaks of their keys and rules.
_OWNERS_BUSINESS = ("cidr_denied", "ssh_access_off", "not_found", "not_signed_in", "access_withdrawn")


def as_told_to_guest(over: End, owner_name: str) -> End:
    """The end of somebody else's terminal, in words for those it was shared with."""
    if over.reason == "closed_by_owner":
        return End(over.reason, f"{owner_name} closed this terminal.", over.exit_status)
    if over.reason in _OWNERS_BUSINESS:
        return End(
            "access_withdrawn", f"{owner_name} has no access to this node any more, so the shell was closed."
        )
    return over
