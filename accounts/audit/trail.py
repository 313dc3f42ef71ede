"""The audit trail: append-only, each event chained to the one before by its hash."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.audit.actions import AuditAction
from accounts.models import AuditChain, AuditEvent, User


@dataclass(frozen=True)
class Actor:
    """Who acts, from which address, and through what (`page`, `api`, `job` or `system`)."""

    user: User | None
    source_address: str | None = None
    via: str = "system"

    @property
    def name(self) -> str:
        return self.user.get_username() if self.user else "headnode"


SYSTEM = Actor(user=None)


def visible_to(user: User) -> QuerySet[AuditEvent]:
    """Return what the user did and what was done to their objects, newest first."""
    return AuditEvent.objects.filter(Q(actor=user) | Q(owner=user)).order_by("-id")


def digest(event: AuditEvent) -> str:
    """Return the SHA-256 of an event, in hex: over its content and the hash of the event before it."""
    content = {
        "at": event.at.isoformat(),
        "actor": event.actor_name,
        "owner": event.owner_name,
        "action": event.action,
        "object": [event.object_type, event.object_id],
        "source_address": event.source_address,
        "via": event.via,
        "before": event.before,
        "after": event.after,
        "previous": event.previous_hash,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def record(
    actor: Actor,
    action: AuditAction,
    object_type: str,
    object_id: object,
    *,
    owner: User | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> AuditEvent:
    """Append one event. Call it in the transaction of the change that it records."""
    with transaction.atomic():
        # The lock keeps two writers from chaining to the same event (SQLite locks the whole file anyway).
        AuditChain.objects.get_or_create(id=1)
        chain = AuditChain.objects.select_for_update().get(id=1)
        event = AuditEvent(
            at=timezone.now(),
            actor=actor.user,
            actor_name=actor.name,
            owner=owner,
            owner_name=owner.get_username() if owner else "",
            action=action.value,
            object_type=object_type,
            object_id=str(object_id),
            source_address=actor.source_address or None,  # hashed as it is read back: None, not ''
            via=actor.via,
            before=before or {},
            after=after or {},
            previous_hash=chain.head,
        )
        event.hash = digest(event)
        event.save(force_insert=True)
        chain.head = event.hash
        chain.save(update_fields=["head"])
    return event
