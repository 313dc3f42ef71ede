"""Who may be in a terminal session: asked at every attach and again and again while it is open.

The app above registers its own check here, so that this app needs to know nothing about jobs or access rules.
"""

from collections.abc import Callable
from typing import Any

from accounts.refusals import Refused
from sshgateway.models import TerminalSession

# (session, user, source address) -> None, or raises Refused. Called in a thread that may use the database.
Check = Callable[[TerminalSession, Any, str], None]

_checks: list[Check] = []


def register(check: Check) -> Check:
    """Have `check` asked too. Usable as a decorator; registering the same check twice counts once."""
    if check not in _checks:
        _checks.append(check)
    return check


def unregister(check: Check) -> None:
    """Ask `check` no more."""
    if check in _checks:
        _checks.remove(check)


def admit(session: TerminalSession, user: Any, source_address: str) -> None:
    """Return if every check lets `user` in from `source_address`; raise `Refused` otherwise.

    Without any check nobody may in: a gate whose keeper was forgotten stays shut.
    """
    if not user.is_authenticated or not user.is_active or user.pk != session.owner_id:
        raise Refused("not_found", "There is no such terminal session.", status=404)
    if not _checks:
        raise Refused(
            "no_gatekeeper", "Nobody decides here who may open terminals, so nobody may.", status=403
        )
    for check in _checks:
        check(session, user, source_address)
