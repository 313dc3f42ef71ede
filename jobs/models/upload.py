"""A file that is being uploaded in parts, over tus."""

import secrets

from django.conf import settings
from django.db import models
from django.utils import timezone

from jobs.models.job import Job
from jobs.models.stored_file import StoredFile


def new_upload_id() -> str:
    """Return a random id that no other upload ever has: it names the content in storage, too."""
    return secrets.token_hex(16)


class Upload(models.Model):
    """One upload. `received` bytes are on disk for certain; there may be more that nobody has confirmed."""

    id = models.CharField(primary_key=True, max_length=32, default=new_upload_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads")
    name = models.CharField(max_length=1000)
    relative_path = models.CharField(max_length=1000)
    is_escaped = models.BooleanField(default=False)
    type_id = models.PositiveSmallIntegerField(choices=StoredFile.Type, default=StoredFile.Type.INPUT)
    sent_by = models.ForeignKey(
        Job,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="sent_uploads",
        help_text="The job whose key began it.",
    )
    length = models.BigIntegerField(help_text="Bytes that the whole file has.")
    received = models.BigIntegerField(default=0, help_text="Bytes that are on disk for certain.")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True, help_text="When it is given up, unless more arrives.")
    is_expired = models.BooleanField(default=False, help_text="Given up: its bytes are deleted.")
    completed_at = models.DateTimeField(null=True, blank=True)
    file = models.ForeignKey(
        StoredFile, null=True, blank=True, on_delete=models.SET_NULL, related_name="uploads"
    )

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.relative_path
