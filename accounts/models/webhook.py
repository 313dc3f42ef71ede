"""The models of webhooks: where to, what is to be delivered, and each try with its answer."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models.notification import Notification


class Webhook(models.Model):
    """An address of a person's to which notifications are posted, signed."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=500)
    kinds = models.JSONField(default=list, help_text="The kinds it gets; empty: every kind.")
    sealed_secret = models.TextField(help_text="What signatures are made with, encrypted.")
    enabled = models.BooleanField(default=True)
    added_at = models.DateTimeField(default=timezone.now)
    failing_since = models.DateTimeField(
        null=True, blank=True, help_text="Of the first failure after the last success."
    )
    switched_off_at = models.DateTimeField(
        null=True, blank=True, help_text="When the portal stopped sending because it kept failing."
    )

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.url} of {self.owner_id}"


class WebhookDelivery(models.Model):
    """One notification to one webhook, until it is accepted or given up. The test has no notification."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    notification = models.ForeignKey(
        Notification, null=True, blank=True, on_delete=models.CASCADE, related_name="deliveries"
    )
    message_id = models.CharField(max_length=64, help_text="webhook-id: the same on every try.")
    body = models.TextField(help_text="What is posted, the same on every try.")
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(
        null=True, blank=True, default=timezone.now, help_text="Of the next try; null: delivered or given up."
    )
    claimed_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0, help_text="Tries since it was last asked for.")
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["webhook", "notification"], name="one_delivery_per_webhook_and_notification"
            )
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(due_at__isnull=False),
                name="webhook_deliveries_by_due_at",
            )
        ]

    def __str__(self) -> str:
        return f"{self.message_id} to webhook {self.webhook_id}"


class WebhookAttempt(models.Model):
    """One try of a delivery, and what came of it."""

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="tries")
    at = models.DateTimeField(default=timezone.now)
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Of the HTTP answer, if any.")
    answer = models.CharField(max_length=500, blank=True, help_text="The beginning of the answer's body.")
    error = models.CharField(max_length=300, blank=True, help_text="Why there was no answer.")
    milliseconds = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.status or self.error} at {self.at}"
