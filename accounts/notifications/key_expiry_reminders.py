"""Remind users by mail, once, that one of their SSH keys is about to expire."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.utils import timezone

from accounts.keys.validity import REMIND_BEFORE, Validity, key_validity
from accounts.models import SSHKey

logger = logging.getLogger(__name__)


def send_due_reminders() -> int:
    """Send one mail for each key that expires within REMIND_BEFORE and had no reminder yet. Return how many.

    1. Claim the key, so that one process of several sends the mail.
    2. Send the mail.
    3. If that fails, release the key for the next run.
    """
    now = timezone.now()
    due = SSHKey.objects.filter(
        expires_at__gt=now,
        expires_at__lte=now + REMIND_BEFORE,
        disabled_at=None,
        reminded_at=None,
        owner__is_active=True,
    ).exclude(owner__email="")
    sent = 0
    for key in due.select_related("owner"):
        if key_validity(key, now) is not Validity.ACTIVE:
            continue
        unclaimed = SSHKey.objects.filter(pk=key.pk, reminded_at=None, expires_at=key.expires_at)
        if unclaimed.update(reminded_at=now) != 1:
            continue
        try:
            _send(key)
        except (OSError, SMTPException) as error:
            logger.warning("no mail about key %s of user %s: %s", key.pk, key.owner_id, error)
            SSHKey.objects.filter(pk=key.pk, reminded_at=now).update(reminded_at=None)
            continue
        sent += 1
    return sent


def _send(key: SSHKey) -> None:
    assert key.expires_at is not None  # noqa: S101 (the query selects only such keys)
    name = settings.HEADNODE_NAME
    send_mail(
        f"[{name}] Your SSH key {key.name!r} expires on {key.expires_at:%Y-%m-%d}",
        f"Hello {key.owner.get_username()},\n\n"
        f"your SSH key {key.name!r} ({key.fingerprint}) stops working on {name} at "
        f"{key.expires_at:%Y-%m-%d %H:%M} UTC. Connections made with it are closed then.\n\n"
        "To keep using it, set a later expiry date in Settings > Job, or add a new key there before then.\n",
        None,
        [key.owner.email],
    )
