"""Decide who may be in a terminal session: at every attach, and every few seconds while it is open.

The app above registers one check for each kind of subject, so that this app needs to know nothing of jobs, machines or
access rules. A check is given the session's owner and the address of whoever wants to be in the terminal: the owner's
access rules apply to everybody who reaches the node. Administrators only watch and never reach the node, so no rule of
a person applies to them.
"""

import re
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

_KIND = re.compile(r"[a-z]+")
_checks: dict[str, Check] = {}
# The decisions taken so far within `cached_decisions`.
_decisions: ContextVar[dict[Any, Refused | None] | None] = ContextVar("decisions", default=None)


def register(kind: str, check: Check) -> None:
    """Have `check` decide about sessions whose subject is "kind:identifier", and about no others.

    Registering the same check again changes nothing; a second check for a kind raises ValueError.
    """
    if not _KIND.fullmatch(kind):
        raise ValueError(f"A kind of subject is a word in lower case, not {kind!r}.")
    if _checks.setdefault(kind, check) is not check:
        raise ValueError(f"Subjects of kind {kind!r} have a check already.")


def unregister(kind: str) -> None:
    """Remove the check of a kind; sessions of that kind are refused from now on."""
    _checks.pop(kind, None)


@contextmanager
def cached_decisions() -> Iterator[None]:
    """Run each check only once for the same owner, source address and target, until the block ends."""
    token = _decisions.set({})
    try:
        yield
    finally:
        _decisions.reset(token)


def participant_for(session: TerminalSession, user: Any) -> Participant | None:
    """Return the role in which a person may be in the session; None if they may not. Runs no check."""
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


def authorize(session: TerminalSession, user: Any, source_address: str) -> Participant:
    """Return the person's role in the session if they may be in it from `source_address`.

    Raises Refused: `not_found` (404) for somebody without a role, `unknown_subject` (403) when no check is registered
    for the session's subject, or whatever the check raises.
    """
    participant = participant_for(session, user)
    if participant is None:
        raise Refused("not_found", "There is no such terminal session.", status=404)
    if participant.role is Role.ADMINISTRATOR:
        return participant
    # As whom the owner is signed in counts: a token may make less of an administrator.
    owner = user if participant.role is Role.OWNER else session.owner
    refusal = _cached_decision(session, owner, source_address)
    if refusal is not None:
        raise _addressed_to(participant, refusal, session, source_address)
    return participant


def _cached_decision(session: TerminalSession, owner: Any, source_address: str) -> Refused | None:
    decisions = _decisions.get()
    if decisions is None:
        return _decide(session, owner, source_address)
    key = (session.owner_id, owner.without_administration, source_address, session.target)
    if key not in decisions:
        decisions[key] = _decide(session, owner, source_address)
    return decisions[key]


def _decide(session: TerminalSession, owner: Any, source_address: str) -> Refused | None:
    try:
        _check_for(session.subject)(session, owner, source_address)
    except Refused as refusal:
        return refusal
    return None


def _check_for(subject: str) -> Check:
    """Return the one check that decides about this subject. Raises Refused (`unknown_subject`, 403)."""
    kind, _, identifier = subject.partition(":")
    check = _checks.get(kind)
    if check is None or not identifier or ":" in identifier:
        raise Refused(
            "unknown_subject",
            "The portal does not know what this terminal belongs to, so nobody may use it. Tell your administrator.",
            status=403,
        )
    return check


def _addressed_to(
    participant: Participant, refusal: Refused, session: TerminalSession, source_address: str
) -> Refused:
    """Return the refusal worded for this person: a guest cannot change the owner's settings."""
    if participant.is_owner:
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
