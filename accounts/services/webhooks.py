"""Add, change and remove a user's webhooks; send a test, or something again."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts import sealing
from accounts.audit.actions import AccountsAuditAction
from accounts.audit.trail import Actor, record
from accounts.models import User, Webhook, WebhookDelivery
from accounts.notifications import wakeups, webhook_outbox, webhook_signing
from accounts.notifications.kinds import NotificationKind, find_kind
from accounts.notifications.webhook_targets import check_url, without_secrets
from accounts.refusal_reasons import RefusalReason
from accounts.refusals import Refused

MAX_WEBHOOKS = 20


def add_webhook(actor: Actor, owner: User, url: str, kinds: Sequence[str]) -> tuple[Webhook, str]:
    """Add a webhook. Return it with its secret, which cannot be read again. No kinds: it gets every kind.

    Raises Refused: `webhook_url_invalid`, `webhook_kind_unknown`, `too_many_webhooks`.
    """
    url, kinds = check_url(url), _checked_kinds(kinds)
    if owner.webhooks.count() >= MAX_WEBHOOKS:
        raise Refused(
            RefusalReason.TOO_MANY_WEBHOOKS,
            f"You have {MAX_WEBHOOKS} webhooks, the most allowed. Remove one first.",
        )
    secret = webhook_signing.new_secret()
    with transaction.atomic():
        hook = Webhook.objects.create(
            owner=owner,
            url=url,
            kinds=kinds,
            sealed_secret=sealing.seal(secret.encode(), webhook_outbox.SEALING),
        )
        action = AccountsAuditAction.WEBHOOK_ADDED
        record(actor, action, "webhook", hook.pk, owner=owner, after=_facts(hook))
    return hook, secret


def change_webhook(
    actor: Actor,
    hook: Webhook,
    *,
    url: str | None = None,
    kinds: Sequence[str] | None = None,
    enabled: bool | None = None,
) -> Webhook:
    """Change what is given. Switched off, it gets nothing; what was waiting for it is given up.

    Raises Refused: `webhook_url_invalid`, `webhook_kind_unknown`.
    """
    with transaction.atomic():
        hook = Webhook.objects.select_for_update().get(pk=hook.pk)
        before, url_before = _facts(hook), hook.url
        if url is not None:
            hook.url = check_url(url)
        if kinds is not None:
            hook.kinds = _checked_kinds(kinds)
        if enabled is not None:
            hook.enabled = enabled
        if _facts(hook) == before and hook.url == url_before:
            return hook
        hook.failing_since = None
        if hook.enabled:
            hook.switched_off_at = None
        else:
            hook.deliveries.exclude(due_at=None).update(due_at=None)
        hook.save(update_fields=["url", "kinds", "enabled", "failing_since", "switched_off_at"])
        action = AccountsAuditAction.WEBHOOK_CHANGED
        after = _facts(hook) | ({"url": "changed"} if hook.url != url_before else {})
        record(actor, action, "webhook", hook.pk, owner=hook.owner, before=before, after=after)
    return hook


def remove_webhook(actor: Actor, hook: Webhook) -> None:
    """Delete a webhook with its deliveries."""
    with transaction.atomic():
        Webhook.objects.select_for_update().filter(pk=hook.pk).first()  # first, as whoever delivers does
        action = AccountsAuditAction.WEBHOOK_REMOVED
        record(actor, action, "webhook", hook.pk, owner=hook.owner, before=_facts(hook))
        hook.delete()


def send_webhook_test(hook: Webhook) -> WebhookDelivery:
    """Send a test message. Raises Refused (`webhook_off`, 409)."""
    _check_enabled(hook)
    now = timezone.now()
    data = {"text": "This is a test. Headnode sends notifications here."}
    with transaction.atomic():
        delivery = WebhookDelivery.objects.create(
            webhook=hook,
            message_id=f"msg_{uuid.uuid4().hex}",
            body=webhook_outbox.payload(webhook_outbox.TEST_TYPE, now, data),
        )
        transaction.on_commit(wakeups.wake_webhooks, robust=True)
    return delivery


def send_delivery_again(delivery: WebhookDelivery) -> WebhookDelivery:
    """Send a delivery again now, under its id, whether or not it was accepted. Raises Refused (`webhook_off`, 409)."""
    _check_enabled(delivery.webhook)
    with transaction.atomic():
        _make_due(delivery, timezone.now())
        transaction.on_commit(wakeups.wake_webhooks, robust=True)
    delivery.refresh_from_db()
    return delivery


def _make_due(delivery: WebhookDelivery, at: datetime) -> None:
    WebhookDelivery.objects.filter(pk=delivery.pk).update(due_at=at, attempts=0, delivered_at=None)


def _check_enabled(hook: Webhook) -> None:
    if not hook.enabled:
        raise Refused(
            RefusalReason.WEBHOOK_OFF, "This webhook is off. Switch it on, then send again.", status=409
        )


def _checked_kinds(words: Sequence[str]) -> list[str]:
    kinds = list(dict.fromkeys(words))
    for word in kinds:
        if find_kind(word) is None:
            known = ", ".join(kind.value for kind in NotificationKind)
            raise Refused(
                RefusalReason.WEBHOOK_KIND_UNKNOWN,
                f"There is no kind “{word[:40]}”. There are: {known}.",
                field="kinds",
            )
    return kinds


def _facts(hook: Webhook) -> dict[str, object]:
    return {"name": without_secrets(hook.url), "kinds": list(hook.kinds), "enabled": hook.enabled}
