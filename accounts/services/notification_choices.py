"""Change how a user is told of each kind of notification."""

from collections.abc import Mapping
from dataclasses import replace

from django.db import transaction

from accounts.audit.actions import AccountsAuditAction
from accounts.audit.trail import Actor, record
from accounts.models import User
from accounts.notifications import choices
from accounts.notifications.kinds import Channels, NotificationKind


def change_notification_choices(
    actor: Actor, owner: User, chosen: Mapping[NotificationKind, Channels]
) -> None:
    """Save the choices that differ. Kinds that are left out keep theirs."""
    with transaction.atomic():
        present = choices.all_channels(owner)
        changed = {kind: channels for kind, channels in chosen.items() if present[kind] != channels}
        if not changed:
            return
        choices.choose(owner, changed)
        record(
            actor,
            AccountsAuditAction.NOTIFICATION_CHOICES_CHANGED,
            "notification_choices",
            owner.pk,
            owner=owner,
            before={kind.value: _words(present[kind]) for kind in changed},
            after={kind.value: _words(channels) for kind, channels in changed.items()},
        )


def _words(channels: Channels) -> str:
    on = [name for name in ("page", "mail", "webhook") if getattr(channels, name)]
    return ", ".join(on) or "none"


def stop_mail(actor: Actor, owner: User, kinds: list[NotificationKind]) -> None:
    """Mail these kinds to the user no more. Idempotent."""
    present = choices.all_channels(owner)
    change_notification_choices(actor, owner, {kind: replace(present[kind], mail=False) for kind in kinds})
