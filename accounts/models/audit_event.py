"""The models of the audit trail."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class AuditChain(models.Model):
    """A single row with the hash of the newest event. Writers lock it, so that no two events follow the same one."""

    head = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"audit chain at {self.head[:12] or 'its beginning'}"


class AuditEvent(models.Model):
    """One recorded action. Rows are only ever appended; each holds the hash of the row before it.

    Names are copied, so that the trail outlives the user and the object.
    """

    at = models.DateTimeField(default=timezone.now)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="audit_events"
    )
    actor_name = models.CharField(max_length=150)
    # Like `actor` not covered by the hash: a deleted user leaves these null, and only the copied names stay.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="audit_events_about"
    )
    owner_name = models.CharField(max_length=150, blank=True, help_text="On whose things.")
    action = models.CharField(max_length=64, help_text="source:subject:verb, as accounts:ssh_key:added")
    object_type = models.CharField(max_length=32)
    object_id = models.CharField(max_length=64)
    source_address = models.GenericIPAddressField(null=True)
    via = models.CharField(max_length=16, default="system", help_text="page, api or system")
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["owner_name", "-id"]),
            models.Index(fields=["object_type", "object_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.action} {self.object_id}"
