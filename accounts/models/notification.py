"""The models of notifications: what people are told, how they chose to be told, and the mails that tell it."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone


class Mail(models.Model):
    """One mail to one person, with one notification or, in a burst, several. A row stays the same mail when retried."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, help_text="Its Message-ID is made from it.")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(
        null=True, blank=True, default=timezone.now, help_text="Of the next try; null: sent or given up."
    )
    claimed_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True, help_text="Of the last try that failed.")

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="mails_by_due_at"),
            models.Index(fields=["person", "created_at"]),
        ]

    def __str__(self) -> str:
        return f"mail {self.uid} to {self.person_id}"


class Notification(models.Model):
    """What one person is told: the outbox row, and the line in their inbox."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, help_text="Webhooks send it as webhook-id.")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications"
    )
    kind = models.CharField(max_length=40, help_text="accounts.notifications.kinds")
    key = models.CharField(
        max_length=200, blank=True, help_text="What it is about; a person is told once of each kind and key."
    )
    title = models.CharField(max_length=200)
    text = models.TextField()
    link = models.CharField(max_length=300, blank=True, help_text="Path of the page about it.")
    action_link = models.CharField(max_length=300, blank=True, help_text="Path of what can be done about it.")
    action_text = models.CharField(max_length=60, blank=True)
    facts = models.JSONField(default=dict, help_text="For programs: ids, names, times.")
    at = models.DateTimeField(default=timezone.now)
    on_page = models.BooleanField(default=True, help_text="It is shown in the inbox.")
    read_at = models.DateTimeField(null=True, blank=True)
    wants_mail = models.BooleanField(default=False)
    mail = models.ForeignKey(
        Mail, null=True, blank=True, on_delete=models.SET_NULL, related_name="notifications"
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["person", "kind", "key"],
                condition=~models.Q(key=""),
                name="one_notification_per_person_kind_and_key",
            )
        ]
        indexes = [
            models.Index(
                fields=["person", "-id"], condition=models.Q(on_page=True), name="inbox_newest_first"
            ),
            models.Index(
                fields=["person"], condition=models.Q(on_page=True, read_at=None), name="unread_by_person"
            ),
            models.Index(
                fields=["id"], condition=models.Q(wants_mail=True, mail=None), name="notifications_to_mail"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.person_id}"


class NotificationChoice(models.Model):
    """How a person wants to be told of one kind, if not as by default."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notification_choices"
    )
    kind = models.CharField(max_length=40)
    page = models.BooleanField()
    mail = models.BooleanField()
    webhook = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "kind"], name="one_choice_per_person_and_kind")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.person_id}"
