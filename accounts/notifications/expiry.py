"""Delete notifications, mails and webhook deliveries that are older than `HEADNODE_NOTIFICATION_DAYS`."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Mail, Notification, WebhookDelivery

# Rows of each kind in one run: what is old is deleted without holding the database for long.
BATCH = 2_000


def delete_old() -> int:
    """Delete what is old and not still to be sent. Return how many rows of all three kinds went, with 0 days none.

    Any process may run this at any time, several at once too.
    """
    days = settings.HEADNODE_NOTIFICATION_DAYS
    if not days:
        return 0
    before = timezone.now() - timedelta(days=days)
    deliveries = WebhookDelivery.objects.filter(created_at__lt=before, due_at=None)
    mails = Mail.objects.filter(created_at__lt=before, due_at=None)
    unsent = (
        Q(wants_mail=True, mail=None) | Q(mail__due_at__isnull=False) | Q(deliveries__due_at__isnull=False)
    )
    notifications = Notification.objects.filter(at__lt=before).exclude(unsent)
    return _delete(deliveries) + _delete(notifications) + _delete(mails)


def _delete(rows: "QuerySet[Any]") -> int:
    """Delete the oldest of these rows. Return how many, without what hung on them."""
    oldest = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
    _, by_model = rows.model._base_manager.filter(pk__in=oldest).delete()
    return int(by_model.get(rows.model._meta.label, 0))
