"""The Job Log: what happened to a job, for its owner."""

from django.db import models
from django.utils import timezone

from jobs.models.choices import titled_choices
from jobs.models.job import Job
from jobs.states import LogLevel, LogSource


class JobEvent(models.Model):
    """One line of the Job Log. Append-only; `sequence` counts 1, 2, 3... per job without holes."""

    Source = LogSource
    Level = LogLevel

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events")
    sequence = models.PositiveIntegerField()
    at = models.DateTimeField(default=timezone.now)
    source = models.CharField(max_length=10, choices=titled_choices(LogSource))
    level = models.CharField(max_length=8, choices=titled_choices(LogLevel), default=LogLevel.INFO)
    stage = models.CharField(max_length=20, blank=True)
    node = models.CharField(max_length=40, blank=True)
    message = models.TextField()

    class Meta:
        ordering = ["job", "sequence"]
        constraints = [models.UniqueConstraint(fields=["job", "sequence"], name="one_row_per_sequence")]

    def __str__(self) -> str:
        return f"{self.job_id} #{self.sequence} {self.message}"
