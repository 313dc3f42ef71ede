"""The write verbs of terminal sessions. Everything else reads rows.

A session that is asked to end gets the reason in its row first; the gateway process that holds its shell
hears of it by a bell and, should the bell be lost, by its own look at the row a few seconds later.
"""

from datetime import timedelta
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.audit.trail import Actor, record
from accounts.models import User
from accounts.refusals import Refused
from accounts.users.administrators import check_administrator
from sshgateway.models import TerminalSession, TerminalShare
from sshgateway.recording import rules
from sshgateway.sessions import gateway_selection, notices
from sshgateway.ssh.targets import Target

# A gateway that did not say for this long that it is alive is gone, and its shells with it.
HEARTBEAT_LIMIT = timedelta(seconds=45)
# A session nobody attached to within this time is not opened any more.
FIRST_ATTACH_LIMIT = timedelta(minutes=5)
OPEN_SESSIONS_PER_PERSON = 50
# The channel-layer group every gateway process listens to.
BELL = "terminals"
SIZES = range(1, 1001)
SHARES_PER_SESSION = 20
LONGEST_MESSAGE = 300


def open_session(
    owner: Any, target: Target, cols: int = 80, rows: int = 24, source_address: str = ""
) -> TerminalSession:
    """Promise `owner` a shell on `target`. The shell itself starts when the first socket attaches."""
    for field, value in (("cols", cols), ("rows", rows)):
        if value not in SIZES:
            raise Refused("bad_size", f"{field} must be between 1 and 1000, not {value}.", field=field)
    if open_sessions(owner=owner).count() >= OPEN_SESSIONS_PER_PERSON:
        raise Refused(
            "too_many_sessions",
            f"You have {OPEN_SESSIONS_PER_PERSON} open terminals. Close one before you open another.",
            status=409,
        )
    recorded = rules.decide_for(owner, target.core_type)
    return TerminalSession.objects.create(
        recording=recorded.mode,
        recording_on_failure=recorded.on_failure,
        owner=owner,
        subject=target.subject,
        node=target.node,
        label=target.label,
        address=target.address,
        port=target.port,
        principal=target.principal,
        host_keys=list(target.host_keys),
        cols=cols,
        rows=rows,
        source_address=source_address,
        route=gateway_selection.choose(),
    )


def end_session(session: TerminalSession, reason: str = "closed_by_owner") -> None:
    """Ask for the session's end. Idempotent; the first reason counts; an ended session stays as it ended."""
    _end(TerminalSession.objects.filter(pk=session.pk), reason)


def end_sessions(*, subject: str, reason: str) -> int:
    """Ask for the end of every open session of `subject`; answer how many there were."""
    return _end(TerminalSession.objects.filter(subject=subject), reason)


def end_session_as_administrator(actor: Actor, session: TerminalSession, message: str) -> None:
    """End somebody's terminal; its owner reads who did it and why. Raises Refused.

    `not_administrator` (403), `bad_message` (400, field `message`), `session_ended` (409).
    """
    check_administrator(actor, "Only an administrator can end somebody else's terminal. Ask yours.")
    why = " ".join(message.split())
    if not 1 <= len(why) <= LONGEST_MESSAGE or not why.isprintable():
        raise Refused(
            "bad_message",
            f"Say why in one sentence of up to {LONGEST_MESSAGE} characters: the owner reads it.",
            field="message",
        )
    with transaction.atomic():
        sentence = f"An administrator ({actor.name}) ended this terminal: {why}"
        if not _end(TerminalSession.objects.filter(pk=session.pk), "ended_by_administrator", sentence):
            raise _has_ended()
        record(
            actor,
            "sshgateway:terminal_session:ended_by_administrator",
            "terminal_session",
            session.label,
            owner=session.owner,
            after={"name": session.label, "why": why},
        )


def share_session(
    actor: Actor, session: TerminalSession, username: str, *, may_type: bool
) -> tuple[TerminalShare, bool]:
    """Let a person into a terminal of one's own, to look on or to type; answers the share and whether it is new.

    Sharing again with the same person changes what they may do, at once. Raises Refused: `not_owner` (403),
    `no_such_person`, `own_session` (400, field `person`), `session_ended`, `too_many_shares` (409).
    """
    if actor.user is None or actor.user.pk != session.owner_id:
        raise Refused("not_owner", "Only the owner of a terminal can share it.", status=403)
    person = User.objects.filter(username=username, is_active=True).first()
    if person is None:
        raise Refused(
            "no_such_person",
            "Nobody of this name has an account here. Write the name they sign in with.",
            field="person",
        )
    if person.pk == session.owner_id:
        raise Refused("own_session", "This is your own terminal.", field="person")
    with transaction.atomic():
        # The row is locked, so that its end and its shares are decided one after the other.
        open_row = TerminalSession.objects.select_for_update().filter(pk=session.pk, ended_at__isnull=True)
        if not open_row.exists():
            raise _has_ended()
        in_force = TerminalShare.objects.filter(session=session, revoked_at__isnull=True)
        share = in_force.filter(person=person).first()
        before: dict[str, Any] = {}
        if share is not None and share.may_type == may_type:
            return share, False
        if share is None:
            if in_force.count() >= SHARES_PER_SESSION:
                raise Refused(
                    "too_many_shares",
                    f"A terminal can be shared with {SHARES_PER_SESSION} people. Take one back first.",
                    status=409,
                )
            share = TerminalShare.objects.create(session=session, person=person, may_type=may_type)
            created = True
        else:
            before = {"may_type": share.may_type}
            in_force.filter(pk=share.pk).update(may_type=may_type)
            share.may_type = may_type
            created = False
        _record_share(actor, session, share, "shared" if created else "share_changed", before)
        transaction.on_commit(lambda: ring([session]), robust=True)
    return share, created


def revoke_share(actor: Actor, share: TerminalShare) -> bool:
    """Take a share back: the person's windows close at once. False when it was taken back before."""
    session = share.session
    if actor.user is None or actor.user.pk != session.owner_id:
        raise Refused("not_owner", "Only the owner of a terminal can take a share back.", status=403)
    with transaction.atomic():
        in_force = TerminalShare.objects.filter(pk=share.pk, revoked_at__isnull=True)
        if in_force.update(revoked_at=timezone.now()) != 1:
            return False
        _record_share(actor, session, share, "share_revoked", {"may_type": share.may_type})
        transaction.on_commit(lambda: ring([session]), robust=True)
    return True


def shares(session: TerminalSession) -> QuerySet[TerminalShare]:
    """The shares in force, oldest first; of an ended session none is."""
    return TerminalShare.objects.filter(
        session=session, revoked_at__isnull=True, session__ended_at__isnull=True
    ).select_related("person", "session__owner")


def shared_with(person: User) -> QuerySet[TerminalShare]:
    """The terminals others share with a person now, the newest first."""
    return (
        TerminalShare.objects.filter(person=person, revoked_at__isnull=True, session__ended_at__isnull=True)
        .select_related("session__owner", "person")
        .order_by("-id")
    )


def _record_share(
    actor: Actor, session: TerminalSession, share: TerminalShare, what: str, before: dict[str, Any]
) -> None:
    record(
        actor,
        f"sshgateway:terminal_session:{what}",
        "terminal_session",
        share.pk,
        owner=session.owner,
        before=before,
        after={"name": session.label, "person": share.person.get_username(), "may_type": share.may_type},
    )


def _has_ended() -> Refused:
    return Refused("session_ended", "This terminal has ended.", status=409)


def open_sessions(*, subject: str | None = None, owner: Any = None) -> QuerySet[TerminalSession]:
    """Sessions that have not ended, of a subject, of a person, or all."""
    sessions = TerminalSession.objects.filter(ended_at__isnull=True)
    if subject is not None:
        sessions = sessions.filter(subject=subject)
    if owner is not None:
        sessions = sessions.filter(owner=owner)
    return sessions


def notify(*, subject: str, sentence: str) -> int:
    """Have a sentence shown in every open terminal of `subject`; answer in how many it is news.

    For what people in a terminal have to know: "This node shuts down in 5 minutes". Each session shows a sentence
    once, however often it is said; one that nobody looks at shows it as soon as somebody does.
    """
    with transaction.atomic():
        new = notices.post(list(open_sessions(subject=subject)), sentence)
        transaction.on_commit(lambda: ring(new), robust=True)
    return len(new)


def recheck(*, subject: str | None = None, owner: Any = None) -> None:
    """Ring for open sessions so that their gatekeepers are asked at once: a rule changed."""
    ring(list(open_sessions(subject=subject, owner=owner)))


def sweep() -> int:
    """End the rows whose shells cannot be alive any more; answer how many.

    For gateways that were killed: any process may run this at any time, several at once too.
    """
    now = timezone.now()
    open_rows = TerminalSession.objects.filter(ended_at__isnull=True)
    lost = open_rows.filter(attached_at__isnull=False).filter(
        Q(heartbeat_at__isnull=True, attached_at__lt=now - HEARTBEAT_LIMIT)
        | Q(heartbeat_at__lt=now - HEARTBEAT_LIMIT)
    )
    forgotten = open_rows.filter(attached_at__isnull=True, opened_at__lt=now - FIRST_ATTACH_LIMIT)
    return lost.update(ended_at=now, end_reason="gateway_lost") + forgotten.update(
        ended_at=now, end_reason="never_attached"
    )


def take_over(route: str, gateway: str) -> int:
    """A gateway starts: the shells an earlier process of its name held are gone. Answers how many there were."""
    held = TerminalSession.objects.filter(route=route, attached_at__isnull=False, ended_at__isnull=True)
    return held.exclude(gateway=gateway).update(ended_at=timezone.now(), end_reason="gateway_lost")


def _end(sessions: QuerySet[TerminalSession], reason: str, message: str = "") -> int:
    with transaction.atomic():
        open_rows = sessions.filter(ended_at__isnull=True)
        asked = list(open_rows)
        open_rows.filter(end_requested_reason="").update(end_requested_reason=reason, end_message=message)
        # No process holds a shell for these yet: nobody but us can write their end.
        open_rows.filter(attached_at__isnull=True).update(ended_at=timezone.now(), end_reason=reason)
        transaction.on_commit(lambda: ring(asked), robust=True)
    return len(asked)


def ring(sessions: list[TerminalSession]) -> None:
    """Tell whoever holds these sessions to look at their rows. May be lost; nobody relies on it alone."""
    layer = get_channel_layer()
    if layer is None or not sessions:
        return
    message = {"type": "terminal.bell", "sessions": [session.pk for session in sessions]}
    async_to_sync(layer.group_send)(BELL, message)
