"""Who may be in a terminal session: asked at every attach and again and again while it is open.

The app above registers its own check here, so that this app needs to know nothing about jobs or access rules. A
check is asked about the session's owner, and about the address of whoever comes: the owner's access rules hold for
everybody who reaches the node. Administrators only look on, which their own rights allow; no rule of a person keeps
oversight out.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from accounts.refusals import Refused
from accounts.users.administrators import is_administrator
from sshgateway.models import TerminalSession, TerminalShare
from sshgateway.terminals.roles import Participant, Role

# (session, its owner, source address) -> None, or raises Refused. Called in a thread that may use the database.
Check = Callable[[TerminalSession, Any, str], None]

_checks: list[Check] = []
# What was answered so far in this look at many sessions.
_answers: ContextVar[dict[Any, Refused | None] | None] = ContextVar("answers", default=None)


def register(check: Check) -> Check:
    """Have `check` asked too. Usable as a decorator; registering the same check twice counts once."""
    if check not in _checks:
        _checks.append(check)
    return check


def unregister(check: Check) -> None:
    """Ask `check` no more."""
    if check in _checks:
        _checks.remove(check)


@contextmanager
def asked_once() -> Iterator[None]:
    """Within it the same question is asked once: about one person, from one address, to one place."""
    token = _answers.set({})
    try:
        yield
    finally:
        _answers.reset(token)


def place_of(session: TerminalSession, user: Any) -> Participant | None:
    """In which capacity a person may be in the session, if in any. Asks no rule."""
    if not user.is_authenticated or not user.is_active:
        return None
    name = user.get_username()
    if user.pk == session.owner_id:
        return Participant(Role.OWNER, user.pk, name, may_type=True)
    share = TerminalShare.objects.filter(session=session, person=user, revoked_at__isnull=True).first()
    if share is not None:
        return Participant(Role.GUEST, user.pk, name, may_type=share.may_type)
    if is_administrator(user):
        return Participant(Role.ADMINISTRATOR, user.pk, name, may_type=False)
    return None


def admit(session: TerminalSession, user: Any, source_address: str) -> Participant:
    """The person's place, if every check lets them in from `source_address`; raises `Refused` otherwise.

    Without any check nobody may in: a gate whose keeper was forgotten stays shut.
    """
    place = place_of(session, user)
    if place is None:
        raise Refused("not_found", "There is no such terminal session.", status=404)
    if place.role is Role.ADMINISTRATOR:
        return place
    if not _checks:
        raise Refused(
            "no_gatekeeper", "Nobody decides here who may open terminals, so nobody may.", status=403
        )
    known = _answers.get()
    question = (session.owner_id, source_address, session.target)
    if known is None or question not in known:
        answer = _ask(session, source_address)
        if known is not None:
            known[question] = answer
    else:
        answer = known[question]
    if answer is not None:
        raise _as_told_to(place, answer, session, source_address)
    return place


def _ask(session: TerminalSession, source_address: str) -> Refused | None:
    try:
        for check in _checks:
            check(session, session.owner, source_address)
    except Refused as refusal:
        return refusal
    return None


def _as_told_to(
    place: Participant, refusal: Refused, session: TerminalSession, source_address: str
) -> Refused:
    """The refusal in words for whoever is refused: a guest can change nothing in the owner's settings."""
    if place.is_owner:
        return refusal
    owner = session.owner.get_username()
    if refusal.reason == "cidr_denied":
        message = (
            f"Your address {source_address or '(unknown)'} is in none of {owner}'s access rules, and they hold for "
            f"everybody in this terminal. Ask {owner} to add it."
        )
        return Refused(refusal.reason, message, status=refusal.status)
    if refusal.reason == "ssh_access_off":
        return Refused(refusal.reason, f"{owner} has switched SSH access off.", status=refusal.status)
    return refusal
