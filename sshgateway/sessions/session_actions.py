"""Open and end terminal sessions, and tell the people in them something.

Ending a session first writes the reason into its row. The gateway process that holds the shell is woken by a message
and, should that be lost, reads the row a few seconds later.
"""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.audit.trail import Actor, record
from accounts.refusals import Refused
from accounts.users.administrators import check_administrator
from sshgateway.audit_actions import GatewayAuditAction
from sshgateway.models import TerminalSession
from sshgateway.recording import rules
from sshgateway.sessions import gateway_selection, gateway_wakeups, notices
from sshgateway.ssh.targets import Target
from sshgateway.terminals.end_reasons import EndReason

# A gateway without a heartbeat for this long is gone, and its shells with it.
HEARTBEAT_LIMIT = timedelta(seconds=45)
# A session that nobody attached to within this time is ended.
FIRST_ATTACH_LIMIT = timedelta(minutes=5)
OPEN_SESSIONS_PER_PERSON = 50
SIZES = range(1, 1001)
LONGEST_MESSAGE = 300


def open_session(
    owner: Any, target: Target, cols: int = 80, rows: int = 24, source_address: str = ""
) -> TerminalSession:
    """Create a session of `owner` on `target`; its shell starts when the first socket attaches.

    `source_address` is where the owner comes from. Raises Refused: `bad_size` (400, field `cols` or `rows`),
    `too_many_sessions` (409).
    """
    for field, value in (("cols", cols), ("rows", rows)):
        if value not in SIZES:
            raise Refused("bad_size", f"{field} must be between 1 and 1000, not {value}.", field=field)
    if open_sessions(owner=owner).count() >= OPEN_SESSIONS_PER_PERSON:
        raise Refused(
            "too_many_sessions",
            f"You have {OPEN_SESSIONS_PER_PERSON} open terminals. Close one before you open another.",
            status=409,
        )
    rule = rules.rule_in_force(owner, target.core_type)
    return TerminalSession.objects.create(
        recording=rule.mode,
        recording_on_failure=rule.on_failure,
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
        route=gateway_selection.choose_gateway(),
    )


def end_session(session: TerminalSession, reason: str = EndReason.CLOSED_BY_OWNER) -> None:
    """Request the end of a session. Idempotent: the first reason is kept, also of a session that has ended."""
    _end(TerminalSession.objects.filter(pk=session.pk), reason)


def end_sessions(*, subject: str, reason: str) -> int:
    """Request the end of every open session of `subject`. Return how many there are."""
    return _end(TerminalSession.objects.filter(subject=subject), reason)


def end_session_as_administrator(actor: Actor, session: TerminalSession, message: str) -> None:
    """Request the end of somebody's terminal; its owner reads who ended it and why.

    Raises Refused: `not_administrator` (403), `bad_message` (400, field `message`), `session_ended` (409).
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
        if not _end(
            TerminalSession.objects.filter(pk=session.pk), EndReason.ENDED_BY_ADMINISTRATOR, sentence
        ):
            raise session_ended()
        record(
            actor,
            GatewayAuditAction.TERMINAL_ENDED_BY_ADMINISTRATOR,
            "terminal_session",
            session.label,
            owner=session.owner,
            after={"name": session.label, "why": why},
        )


def session_ended() -> Refused:
    """Return the refusal for a session that has ended (`session_ended`, 409)."""
    return Refused("session_ended", "This terminal has ended.", status=409)


def open_sessions(*, subject: str | None = None, owner: Any = None) -> QuerySet[TerminalSession]:
    """Return the sessions that have not ended: all, or those of a subject or of a person."""
    sessions = TerminalSession.objects.filter(ended_at__isnull=True)
    if subject is not None:
        sessions = sessions.filter(subject=subject)
    if owner is not None:
        sessions = sessions.filter(owner=owner)
    return sessions


def post_notice(*, subject: str, sentence: str) -> int:
    """Show a sentence in every open terminal of `subject`. Return in how many it has not been shown before.

    For what people in a terminal have to know: "This node shuts down in 5 minutes". A session shows the same sentence
    once; one that no browser is attached to shows it at the next attach.
    """
    with transaction.atomic():
        new = notices.add_notices(list(open_sessions(subject=subject)), sentence)
        gateway_wakeups.wake_gateways_on_commit(new)
    return len(new)


def request_recheck(*, subject: str | None = None, owner: Any = None) -> None:
    """Have the access checks of open sessions run now, because a rule or a key changed."""
    gateway_wakeups.wake_gateways(list(open_sessions(subject=subject, owner=owner)))


def end_lost_sessions() -> int:
    """End the sessions whose shells cannot be alive any more. Return how many.

    For gateways that were killed. Any process may run this at any time, several at once too.
    """
    now = timezone.now()
    open_rows = TerminalSession.objects.filter(ended_at__isnull=True)
    lost = open_rows.filter(attached_at__isnull=False).filter(
        Q(heartbeat_at__isnull=True, attached_at__lt=now - HEARTBEAT_LIMIT)
        | Q(heartbeat_at__lt=now - HEARTBEAT_LIMIT)
    )
    never_attached = open_rows.filter(attached_at__isnull=True, opened_at__lt=now - FIRST_ATTACH_LIMIT)
    return lost.update(ended_at=now, end_reason=EndReason.GATEWAY_LOST) + never_attached.update(
        ended_at=now, end_reason=EndReason.NEVER_ATTACHED
    )


def end_sessions_of_earlier_process(route: str, gateway: str) -> int:
    """End the sessions held by an earlier process of the gateway named `route`. Return how many.

    Called when the gateway starts as process `gateway`: the earlier one is gone, and its shells with it.
    """
    held = TerminalSession.objects.filter(route=route, attached_at__isnull=False, ended_at__isnull=True)
    return held.exclude(gateway=gateway).update(ended_at=timezone.now(), end_reason=EndReason.GATEWAY_LOST)


def _end(sessions: QuerySet[TerminalSession], reason: str, message: str = "") -> int:
    with transaction.atomic():
        open_rows = sessions.filter(ended_at__isnull=True)
        ending = list(open_rows)
        open_rows.filter(end_requested_reason="").update(end_requested_reason=reason, end_message=message)
        # No gateway process holds a shell for these yet, so their end has to be written here.
        open_rows.filter(attached_at__isnull=True).update(ended_at=timezone.now(), end_reason=reason)
        gateway_wakeups.wake_gateways_on_commit(ending)
    return len(ending)
