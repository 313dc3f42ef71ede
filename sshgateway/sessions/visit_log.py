"""Record each visit to a terminal by somebody other than its owner: a `TerminalVisit` row and an audit event.

Synchronous; called by the gateway process that serves the visitor.
"""

from collections.abc import Collection
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.audit.trail import Actor, record
from accounts.models import User
from sshgateway.audit_actions import GatewayAuditAction
from sshgateway.models import TerminalSession, TerminalVisit
from sshgateway.terminals.roles import Participant, Role

# A visit younger than this may not be attached yet: opening a shell takes time.
ATTACH_LIMIT = timedelta(seconds=60)
AUDIT_ACTIONS = {
    Role.GUEST: GatewayAuditAction.TERMINAL_JOINED,
    Role.ADMINISTRATOR: GatewayAuditAction.TERMINAL_WATCHED,
}


def record_arrival(
    session: TerminalSession, participant: Participant, person: User, actor: Actor
) -> TerminalVisit:
    """Create the row of a visit, and an event in the audit trail of the terminal's owner."""
    with transaction.atomic():
        visit = TerminalVisit.objects.create(
            session=session,
            person=person,
            role=participant.role,
            may_type=participant.may_type,
            source_address=actor.source_address or "",
        )
        record(
            actor,
            AUDIT_ACTIONS[participant.role],
            "terminal_session",
            visit.pk,
            owner=session.owner,
            after={"name": session.label, "may_type": participant.may_type},
        )
    return visit


def record_departure(visit_id: int) -> None:
    """Close a visit. Idempotent."""
    TerminalVisit.objects.filter(pk=visit_id, left_at__isnull=True).update(left_at=timezone.now())


def close_visits(session_id: str) -> None:
    """Close all visits of a session that ended."""
    TerminalVisit.objects.filter(session=session_id, left_at__isnull=True).update(left_at=timezone.now())


def close_stale_visits(session_ids: Collection[str], attached: Collection[int]) -> None:
    """Close the visits of these sessions whose end could not be written in time: all but those still `attached`."""
    old = TerminalVisit.objects.filter(
        session__in=session_ids, left_at__isnull=True, came_at__lt=timezone.now() - ATTACH_LIMIT
    )
    old.exclude(pk__in=attached).update(left_at=timezone.now())


def open_visits(session: TerminalSession) -> QuerySet[TerminalVisit]:
    """Return the visits of a session that are going on now."""
    return TerminalVisit.objects.filter(
        session=session, left_at__isnull=True, session__ended_at__isnull=True
    ).select_related("person")
