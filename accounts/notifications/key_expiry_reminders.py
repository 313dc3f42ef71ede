"""Remind users, once, that one of their SSH keys is about to expire."""

from django.db import transaction
from django.utils import timezone

from accounts.keys.validity import REMIND_BEFORE, Validity, key_validity
from accounts.models import SSHKey
from accounts.notifications.kinds import NotificationKind
from accounts.notifications.outbox import notify


def send_due_reminders() -> int:
    """Notify of each key that expires within REMIND_BEFORE and had no reminder yet. Return how many.

    The key is marked in the transaction that writes the notification, so that each reminder is given once.
    """
    now = timezone.now()
    due = SSHKey.objects.filter(
        expires_at__gt=now,
        expires_at__lte=now + REMIND_BEFORE,
        disabled_at=None,
        reminded_at=None,
        owner__is_active=True,
    )
    given = 0
    for key in due.select_related("owner"):
        if key_validity(key, now) is not Validity.ACTIVE:
            continue
        with transaction.atomic():
            unclaimed = SSHKey.objects.filter(pk=key.pk, reminded_at=None, expires_at=key.expires_at)
            if unclaimed.update(reminded_at=now) != 1:
                continue
            _notify(key)
        given += 1
    return given


def _notify(key: SSHKey) -> None:
    notify(
        key.owner,
        NotificationKind.KEY_EXPIRING,
        f"Your SSH key {key.name} ({key.fingerprint}) stops working at {key.expires_at:%Y-%m-%d %H:%M} UTC. "
        "Connections made with it are closed then. To keep using it, set a later expiry date in Settings > Job, or "
        "add a new key there before then.",
        title=f"Your SSH key {key.name} expires on {key.expires_at:%Y-%m-%d}",
        link="/settings/job/",
        facts={
            "key": key.pk,
            "keyName": key.name,
            "fingerprint": key.fingerprint,
            "expiresAt": key.expires_at.isoformat() if key.expires_at else None,
        },
    )
