"""The input files of a job."""

from django.db import models

from jobs.models.job import Job
from jobs.models.stored_file import StoredFile


class JobInput(models.Model):
    """One stored file of one analysis, copied to the work directory before the first command starts."""

    class Purpose(models.TextChoices):
        INPUT = "input"
        PRE_PROCESS = "pre_process"
        POST_PROCESS = "post_process"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="inputs")
    file = models.ForeignKey(StoredFile, on_delete=models.CASCADE, related_name="used_by")
    decompress = models.BooleanField(default=True, help_text="Unpack it if it is an archive.")

    analysis = models.PositiveSmallIntegerField(default=0, help_text="The position of the analysis, from 0.")
    purpose = models.CharField(max_length=12, choices=Purpose, default=Purpose.INPUT)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["job", "file", "analysis", "purpose"], name="one_row_per_input")
        ]

    def __str__(self) -> str:
        return f"{self.file_id} for {self.job_id}"
