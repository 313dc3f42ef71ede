"""Tells people, once, that a key of theirs is about to stop working."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.utils import timezone

from accounts.keys.validity import REMIND_BEFORE, Validity, key_validity
from accounts.models import SSHKey

logger = logging.getLogger(__name__)


def send_due() -> int:
    """Send one mail for each key that expires within REMIND_BEFORE and was not spoken of; answer how many.

    1. Take the key: of several processes, one gets it. 2. Send. 3. When that fails, give it back for the next time.
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
        mine = SSHKey.objects.filter(pk=key.pk, reminded_at=None, expires_at=key.expires_at)
        if mine.update(reminded_at=now) != 1:
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
    assert key.expires_at is not None  # noqa: S101 - only such keys are looked for
    name = settings.HEADNODE_NAME
    send_mail(
        f"[{name}] Your SSH key {key.name!r} expires on {key.expires_at:%Y-%m-%d}",
        f"Hello {key.owner.get_username()},\n\n"
        f"your SSH key {key.name!r} ({key.fingerprint}) stops working on {name} at "
        f"{key.expires_at:%Y-%m-%d %H:%M} UTC. What is logged in with it then ends.\n\n"
        "To go on using it, choose a later day in Settings > Job; or save a new key there in time.\n",
        None,
        [key.owner.email],
    )
