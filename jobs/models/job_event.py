"""A job's story, told to its owner."""

from django.db import models
from django.utils import timezone

from jobs.models.job import Job


class JobEvent(models.Model):
    """One line of the Job Log. Append-only; `sequence` counts 1, 2, 3... per job without holes."""

    class Source(models.TextChoices):
        PORTAL = "portal"
        PROVIDER = "provider"
        NODE = "node"
        PROGRAM = "program"
        SSH = "ssh"

    class Level(models.TextChoices):
        INFO = "info"
        WARNING = "warning"
        ERROR = "error"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events")
    sequence = models.PositiveIntegerField()
    at = models.DateTimeField(default=timezone.now)
    source = models.CharField(max_length=10, choices=Source)
    level = models.CharField(max_length=8, choices=Level, default=Level.INFO)
    stage = models.CharField(max_length=20, blank=True)
    node = models.CharField(max_length=40, blank=True)
    message = models.TextField()

    class Meta:
        ordering = ["job", "sequence"]
        constraints = [models.UniqueConstraint(fields=["job", "sequence"], name="one_row_per_sequence")]

    def __str__(self) -> str:
        return f"{self.job_id} #{self.sequence} {self.message}"
