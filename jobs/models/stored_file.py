"""A file in storage: an uploaded input or an output of a job."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from jobs.ids import LENGTH, new_id
from jobs.models.job import Job


def storage_name(file: "StoredFile", filename: str) -> str:
    """Return where the bytes are stored. Only the id is used, so that no user-chosen name reaches a path."""
    return f"{file.id[:2]}/{file.id}"


class StoredFile(models.Model):
    """One file. `relative_path` is what users see; it is never used as a path in storage."""

    class Type(models.IntegerChoices):
        INPUT = 1
        TEMPLATE = 2
        PARAMETERS = 3
        SCRIPT = 4
        OUTPUT = 5
        CASE = 7
        CASE_MODIFIED = 8

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="files")
    job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.CASCADE, related_name="output_files")
    type_id = models.PositiveSmallIntegerField(choices=Type)
    name = models.CharField(max_length=1000)
    relative_path = models.CharField(max_length=1000)
    is_escaped = models.BooleanField(
        default=False,
        help_text="Name and path are percent-escaped, because their bytes are not UTF-8 (jobs.storage.file_names).",
    )
    size = models.BigIntegerField(default=0)
    sha512 = models.CharField(max_length=128, blank=True)
    md5 = models.CharField(
        max_length=32,
        blank=True,
        help_text="For programs that expect it. Empty for files of an older version.",
    )
    modified_at = models.DateTimeField(
        null=True, blank=True, help_text="Modification time on the node when it was fetched."
    )
    sent_by = models.ForeignKey(
        Job,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="sent_files",
        help_text="The job whose key uploaded it.",
    )
    file = models.FileField(upload_to=storage_name, max_length=200)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["job", "relative_path"],
                condition=models.Q(job__isnull=False),
                name="one_row_per_output",
            )
        ]

    def __str__(self) -> str:
        return self.relative_path
