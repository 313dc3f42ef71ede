"""Remind users, once, that one of their API tokens is about to expire."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import APIToken
from accounts.notifications.kinds import NotificationKind
from accounts.notifications.outbox import notify

REMIND_BEFORE = timedelta(days=7)


def send_due_token_reminders() -> int:
    """Notify of each token that expires within REMIND_BEFORE and had no reminder yet. Return how many.

    The token is marked in the transaction that writes the notification, so that each reminder is given once. A token
    that was made for less than that time needs no reminder.
    """
    now = timezone.now()
    due = APIToken.objects.good().filter(
        expires_at__lte=now + REMIND_BEFORE,
        added_at__lte=now - REMIND_BEFORE,
        reminded_at=None,
        owner__is_active=True,
    )
    given = 0
    for token in due.select_related("owner"):
        with transaction.atomic():
            if APIToken.objects.good().filter(pk=token.pk, reminded_at=None).update(reminded_at=now) != 1:
                continue
            _notify(token)
        given += 1
    return given


def _notify(token: APIToken) -> None:
    notify(
        token.owner,
        NotificationKind.TOKEN_EXPIRING,
        f"Your API token {token.name} ({token.prefix}...) stops working at {token.expires_at:%Y-%m-%d %H:%M} UTC. "
        "Programs that use it are refused then. Make another in Settings > API tokens and give it to them before; "
        "for the command line, run headnode login.",
        title=f"Your API token {token.name} expires on {token.expires_at:%Y-%m-%d}",
        link="/settings/tokens/",
        facts={
            "token": token.pk,
            "tokenName": token.name,
            "expiresAt": token.expires_at.isoformat() if token.expires_at else None,
        },
    )
