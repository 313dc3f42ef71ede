"""The input files of a job."""

from django.db import models

from jobs.models.job import Job
from jobs.models.stored_file import StoredFile


class JobInput(models.Model):
    """One stored file, copied to the work directory before the command starts."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="inputs")
    file = models.ForeignKey(StoredFile, on_delete=models.CASCADE, related_name="used_by")
    decompress = models.BooleanField(default=True, help_text="Unpack it if it is an archive.")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["job", "file"], name="one_row_per_input")]

    def __str__(self) -> str:
        return f"{self.file_id} for {self.job_id}"
