"""Share a terminal with other people while it is open, and revoke that."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.audit.trail import Actor, record
from accounts.models import User
from accounts.notifications.kinds import NotificationKind
from accounts.notifications.outbox import notify
from accounts.refusals import Refused
from sshgateway.audit_actions import GatewayAuditAction
from sshgateway.models import TerminalSession, TerminalShare
from sshgateway.sessions import gateway_wakeups
from sshgateway.sessions.session_actions import session_ended

SHARES_PER_SESSION = 20


def share_session(
    actor: Actor, session: TerminalSession, username: str, *, may_type: bool
) -> tuple[TerminalShare, bool]:
    """Let a person watch the actor's own terminal, or type in it. Return the share and whether it is new.

    Sharing again with the same person changes what they may do, at once. Raises Refused: `not_owner` (403),
    `no_such_person`, `own_session` (400, field `person`), `session_ended`, `too_many_shares` (409).
    """
    _check_owner(actor, session, "Only the owner of a terminal can share it.")
    person = _person_to_share_with(session, username)
    with transaction.atomic():
        # The lock makes the end of a session and its shares happen one after the other.
        open_row = TerminalSession.objects.select_for_update().filter(pk=session.pk, ended_at__isnull=True)
        if not open_row.exists():
            raise session_ended()
        share = _valid_shares(session).filter(person=person).first()
        if share is None:
            return _create_share(actor, session, person, may_type), True
        if share.may_type != may_type:
            _change_share(actor, session, share, may_type)
    return share, False


def revoke_share(actor: Actor, share: TerminalShare) -> bool:
    """Revoke a share: the person's windows close at once. Return False if it had been revoked before.

    Raises Refused (`not_owner`, 403).
    """
    session = share.session
    _check_owner(actor, session, "Only the owner of a terminal can take a share back.")
    with transaction.atomic():
        if _valid_shares(session).filter(pk=share.pk).update(revoked_at=timezone.now()) != 1:
            return False
        before = {"may_type": share.may_type}
        _record(actor, session, share, GatewayAuditAction.TERMINAL_SHARE_REVOKED, before)
        gateway_wakeups.wake_gateways_on_commit([session])
    return True


def shares(session: TerminalSession) -> QuerySet[TerminalShare]:
    """Return the valid shares, oldest first; an ended session has none."""
    return (
        _valid_shares(session)
        .filter(session__ended_at__isnull=True)
        .select_related("person", "session__owner")
    )


def shared_with(person: User) -> QuerySet[TerminalShare]:
    """Return the valid shares of open terminals with this person, newest first."""
    return (
        TerminalShare.objects.filter(person=person, revoked_at__isnull=True, session__ended_at__isnull=True)
        .select_related("session__owner", "person")
        .order_by("-id")
    )


def _valid_shares(session: TerminalSession) -> QuerySet[TerminalShare]:
    return TerminalShare.objects.filter(session=session, revoked_at__isnull=True)


def _check_owner(actor: Actor, session: TerminalSession, message: str) -> None:
    if actor.user is None or actor.user.pk != session.owner_id:
        raise Refused("not_owner", message, status=403)


def _person_to_share_with(session: TerminalSession, username: str) -> User:
    person = User.objects.filter(username=username, is_active=True).first()
    if person is None:
        raise Refused(
            "no_such_person",
            "Nobody of this name has an account here. Write the name they sign in with.",
            field="person",
        )
    if person.pk == session.owner_id:
        raise Refused("own_session", "This is your own terminal.", field="person")
    return person


def _create_share(actor: Actor, session: TerminalSession, person: User, may_type: bool) -> TerminalShare:
    if _valid_shares(session).count() >= SHARES_PER_SESSION:
        raise Refused(
            "too_many_shares",
            f"A terminal can be shared with {SHARES_PER_SESSION} people. Take one back first.",
            status=409,
        )
    share = TerminalShare.objects.create(session=session, person=person, may_type=may_type)
    _record(actor, session, share, GatewayAuditAction.TERMINAL_SHARED, {})
    _notify(session, share)
    gateway_wakeups.wake_gateways_on_commit([session])
    return share


def _notify(session: TerminalSession, share: TerminalShare) -> None:
    owner = session.owner.get_username()
    may = "watch it and type in it" if share.may_type else "watch it"
    notify(
        share.person,
        NotificationKind.SHARED_WITH_YOU,
        f"{owner} shares the terminal on {session.label} with you while it is open. You may {may}.",
        title=f"{owner} shares a terminal with you",
        link="/terminals/",
        key=f"terminal-share-{share.pk}",
        facts={"owner": owner, "node": session.node, "mayType": share.may_type},
    )


def _change_share(actor: Actor, session: TerminalSession, share: TerminalShare, may_type: bool) -> None:
    before = {"may_type": share.may_type}
    _valid_shares(session).filter(pk=share.pk).update(may_type=may_type)
    share.may_type = may_type
    _record(actor, session, share, GatewayAuditAction.TERMINAL_SHARE_CHANGED, before)
    gateway_wakeups.wake_gateways_on_commit([session])


def _record(
    actor: Actor,
    session: TerminalSession,
    share: TerminalShare,
    action: GatewayAuditAction,
    before: dict[str, Any],
) -> None:
    record(
        actor,
        action,
        "terminal_session",
        share.pk,
        owner=session.owner,
        before=before,
        after={"name": session.label, "person": share.person.get_username(), "may_type": share.may_type},
    )
