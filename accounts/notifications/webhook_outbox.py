"""What is to be delivered to a person's webhooks: rows that the delivery works through."""

import json
from datetime import UTC, datetime
from typing import Any

from accounts.models import Notification, User, Webhook, WebhookDelivery
from accounts.notifications.kinds import NotificationKind
from accounts.notifications.mail_settings import absolute

TEST_TYPE = "test"
# What the secrets of webhooks are sealed for.
SEALING = b"headnode webhook secrets v1"


def wanting(person: User, kind: NotificationKind) -> list[Webhook]:
    """Return the person's webhooks that get this kind."""
    hooks = Webhook.objects.filter(owner=person, enabled=True)
    return [hook for hook in hooks if not hook.kinds or kind.value in hook.kinds]


def add_delivery(hook: Webhook, row: Notification) -> WebhookDelivery:
    """Have a notification delivered to a webhook. Call it in the transaction that writes the notification."""
    data: dict[str, Any] = {
        "title": row.title,
        "text": row.text,
        "link": absolute(row.link) if row.link else "",
        **row.facts,
    }
    return WebhookDelivery.objects.create(
        webhook=hook,
        notification=row,
        message_id=f"msg_{row.uid.hex}",
        body=payload(row.kind, row.at, data),
    )


def payload(kind: str, at: datetime, data: dict[str, Any]) -> str:
    """Return the body in the form of Standard Webhooks: `type`, `timestamp`, `data`."""
    timestamp = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return json.dumps(
        {"type": kind, "timestamp": timestamp, "data": data}, separators=(",", ":"), default=str
    )
