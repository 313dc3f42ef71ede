"""Rows of who, besides its owner, is in a terminal. Synchronous; written by the gateway process that serves them."""

from collections.abc import Collection
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.audit.trail import Actor, record
from accounts.models import User
from sshgateway.models import TerminalSession, TerminalVisit
from sshgateway.terminals.roles import Participant, Role

# Between the row and the attaching lies the opening of a shell.
ATTACH_LIMIT = timedelta(seconds=60)
TAGS = {Role.GUEST: "joined", Role.ADMINISTRATOR: "watched"}


def begin(session: TerminalSession, place: Participant, person: User, actor: Actor) -> TerminalVisit:
    """Somebody comes: a row, and a line in the audit trail of whose terminal it is."""
    with transaction.atomic():
        visit = TerminalVisit.objects.create(
            session=session,
            person=person,
            role=place.role,
            may_type=place.may_type,
            source_address=actor.source_address or "",
        )
        record(
            actor,
            f"sshgateway:terminal_session:{TAGS[place.role]}",
            "terminal_session",
            visit.pk,
            owner=session.owner,
            after={"name": session.label, "may_type": place.may_type},
        )
    return visit


def end(visit_id: int) -> None:
    """They left. Idempotent."""
    TerminalVisit.objects.filter(pk=visit_id, left_at__isnull=True).update(left_at=timezone.now())


def close_all(session_id: str) -> None:
    """The session ended, for everybody."""
    TerminalVisit.objects.filter(session=session_id, left_at__isnull=True).update(left_at=timezone.now())


def close_forgotten(session_ids: Collection[str], going_on: Collection[int]) -> None:
    """End visits in these sessions whose end could not be written when it happened: all but those `going_on`."""
    old = TerminalVisit.objects.filter(
        session__in=session_ids, left_at__isnull=True, came_at__lt=timezone.now() - ATTACH_LIMIT
    )
    old.exclude(pk__in=going_on).update(left_at=timezone.now())


def going_on(session: TerminalSession) -> QuerySet[TerminalVisit]:
    """Who is there now."""
    return TerminalVisit.objects.filter(
        session=session, left_at__isnull=True, session__ended_at__isnull=True
    ).select_related("person")
