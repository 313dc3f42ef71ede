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

from accounts.refusals import Refused
from sshgateway import notices, routes
from sshgateway.models import TerminalSession
from sshgateway.targets import Target

# A gateway that did not say for this long that it is alive is gone, and its shells with it.
HEARTBEAT_LIMIT = timedelta(seconds=45)
# A session nobody attached to within this time is not opened any more.
FIRST_ATTACH_LIMIT = timedelta(minutes=5)
OPEN_SESSIONS_PER_PERSON = 50
# The channel-layer group every gateway process listens to.
BELL = "terminals"
SIZES = range(1, 1001)


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
    return TerminalSession.objects.create(
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
        route=routes.choose(),
    )


def end_session(session: TerminalSession, reason: str = "closed_by_owner") -> None:
    """Ask for the session's end. Idempotent; the first reason counts; an ended session stays as it ended."""
    _end(TerminalSession.objects.filter(pk=session.pk), reason)


def end_sessions(*, subject: str, reason: str) -> int:
    """Ask for the end of every open session of `subject`; answer how many there were."""
    return _end(TerminalSession.objects.filter(subject=subject), reason)


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


def _end(sessions: QuerySet[TerminalSession], reason: str) -> int:
    with transaction.atomic():
        open_rows = sessions.filter(ended_at__isnull=True)
        asked = list(open_rows)
        open_rows.filter(end_requested_reason="").update(end_requested_reason=reason)
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
