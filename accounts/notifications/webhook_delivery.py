"""Deliver what is due to webhooks.

1. Claim a delivery that is due; no owner may hold more than SHARE of the threads.
2. Post it, signed, under its id, and save the try with its answer.
3. Accepted (2xx): done. Else it is due again later, for about three days.
4. A webhook that took nothing for as long is switched off, and its owner is told. 410 switches it off at once.

A delivery that was under way when the process was killed is made again, under the same id.
"""

import logging
import random
import time
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from accounts import sealing
from accounts.audit.actions import AccountsAuditAction
from accounts.audit.trail import SYSTEM, record
from accounts.models import Webhook, WebhookAttempt, WebhookDelivery
from accounts.notifications.backoff import WEBHOOK_DELAYS, delay_after
from accounts.notifications.kinds import NotificationKind
from accounts.notifications.outbox import notify
from accounts.notifications.webhook_http import Answer, PostFailed, post
from accounts.notifications.webhook_outbox import SEALING
from accounts.notifications.webhook_signing import headers
from accounts.notifications.webhook_targets import without_secrets

CLAIM = timedelta(seconds=30)
SHARE = 2
LONGEST_RETRY_AFTER = timedelta(hours=24)
GONE = 410
USER_AGENT = "Headnode-Webhooks/1"
logger = logging.getLogger(__name__)


def deliver_due() -> int:
    """Deliver until nothing is due. Return how many tries were made."""
    tries = 0
    while delivery := _claim_next():
        _deliver(delivery)
        tries += 1
    return tries


def _claim_next() -> WebhookDelivery | None:
    now = timezone.now()
    busy = (
        WebhookDelivery.objects.filter(claimed_until__gt=now)
        .values("webhook__owner")
        .annotate(claims=Count("id"))
        .filter(claims__gte=SHARE)
        .values("webhook__owner")
    )
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    due = WebhookDelivery.objects.filter(
        free, due_at__lte=now, webhook__enabled=True, webhook__owner__is_active=True
    )
    for pk in due.exclude(webhook__owner__in=busy).order_by("due_at").values_list("pk", flat=True)[:20]:
        claimed = WebhookDelivery.objects.filter(free, pk=pk, due_at__lte=now).update(
            claimed_until=now + CLAIM
        )
        rows = WebhookDelivery.objects.select_related("webhook__owner", "notification").filter(pk=pk)
        if claimed == 1 and (delivery := rows.first()) is not None and _is_within_share(delivery):
            return delivery
    return None


def _is_within_share(delivery: WebhookDelivery) -> bool:
    """Return whether the owner's claims leave room for this one; give it back if threads woken together took more."""
    claimed = WebhookDelivery.objects.filter(
        claimed_until__gt=timezone.now(), webhook__owner=delivery.webhook.owner
    )
    if claimed.filter(pk__lt=delivery.pk).count() < SHARE:
        return True
    WebhookDelivery.objects.filter(pk=delivery.pk).update(claimed_until=None)
    return False


def _deliver(delivery: WebhookDelivery) -> None:
    began = time.monotonic()
    answer, error = _try(delivery)
    milliseconds = round((time.monotonic() - began) * 1000)
    with transaction.atomic():
        hook = Webhook.objects.select_for_update().filter(pk=delivery.webhook_id).first()
        if hook is None:  # removed meanwhile, with its deliveries
            return
        WebhookAttempt.objects.create(
            delivery=delivery,
            status=answer.status if answer else None,
            answer=answer.text[:500] if answer else "",
            error=error[:300],
            milliseconds=milliseconds,
        )
        if answer is not None and 200 <= answer.status < 300:
            _save_success(delivery)
        else:
            _save_failure(delivery, answer, hook.enabled)


def _try(delivery: WebhookDelivery) -> tuple[Answer | None, str]:
    body = delivery.body.encode()
    try:
        secret = sealing.unseal(delivery.webhook.sealed_secret, SEALING).decode()
        signed = headers(secret, delivery.message_id, int(timezone.now().timestamp()), body)
        sent = {"Content-Type": "application/json", "User-Agent": USER_AGENT, **signed}
        answer = post(delivery.webhook.url, body, sent, settings.HEADNODE_WEBHOOK_NETWORKS)
    except PostFailed as failed:
        return None, str(failed)
    except sealing.Unsealable:
        return None, "Its secret cannot be read any more. Delete the webhook and add it again."
    if 300 <= answer.status < 400:
        return answer, "It redirects, which is not followed. Enter the address it redirects to."
    return answer, ""


def _save_success(delivery: WebhookDelivery) -> None:
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        delivered_at=timezone.now(), due_at=None, claimed_until=None, attempts=delivery.attempts + 1
    )
    Webhook.objects.filter(pk=delivery.webhook_id).exclude(failing_since=None).update(failing_since=None)


def _save_failure(delivery: WebhookDelivery, answer: Answer | None, is_on: bool) -> None:
    """Make it due again later; not for a webhook that was switched off meanwhile."""
    now, attempts = timezone.now(), delivery.attempts + 1
    delay = delay_after(attempts, WEBHOOK_DELAYS, random.random())
    if delay is not None and answer is not None and answer.retry_after is not None:
        delay = max(delay, min(timedelta(seconds=answer.retry_after), LONGEST_RETRY_AFTER))
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        due_at=None if delay is None or not is_on else now + delay, claimed_until=None, attempts=attempts
    )
    Webhook.objects.filter(pk=delivery.webhook_id, failing_since=None).update(failing_since=now)
    is_gone = answer is not None and answer.status == GONE
    if is_gone or (delay is None and _took_nothing_since(delivery)):
        _switch_off(delivery.webhook, "it says that it is gone" if is_gone else "it failed for three days")


def _took_nothing_since(delivery: WebhookDelivery) -> bool:
    """Return whether the webhook accepted nothing since this delivery was first tried."""
    if delivery.notification is None:  # a test alone switches nothing off
        return False
    first = delivery.tries.order_by("id").values_list("at", flat=True).first()
    since = Webhook.objects.values_list("failing_since", flat=True).get(pk=delivery.webhook_id)
    return first is not None and since is not None and since <= first + CLAIM


def _switch_off(hook: Webhook, why: str) -> None:
    """Switch a webhook off and tell its owner, once. What waits for it is given up; it can be sent again later."""
    now, address = timezone.now(), without_secrets(hook.url)
    if Webhook.objects.filter(pk=hook.pk, enabled=True).update(enabled=False, switched_off_at=now) != 1:
        return
    WebhookDelivery.objects.filter(webhook=hook).exclude(due_at=None).update(due_at=None)
    record(
        SYSTEM,
        AccountsAuditAction.WEBHOOK_SWITCHED_OFF,
        "webhook",
        hook.pk,
        owner=hook.owner,
        after={"name": address, "why": why},
    )
    notify(
        hook.owner,
        NotificationKind.WEBHOOK_OFF,
        f"Your webhook {address} was switched off, because {why}. Mend it, then switch it on again in Settings.",
        link=f"/settings/webhooks/{hook.pk}/",
        facts={"webhook": hook.pk, "url": address},
        key=f"webhook-{hook.pk}-{now:%Y%m%d%H%M%S}",
    )
