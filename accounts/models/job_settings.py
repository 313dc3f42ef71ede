"""What holds for every job a person submits."""

from django.conf import settings
from django.db import models


class JobSettings(models.Model):
    """The switches of the Job Settings page. Keys and rules are rows of their own."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="job_settings"
    )
    auto_terminate_cluster = models.BooleanField(default=True)
    ssh_access = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "job settings"

    def __str__(self) -> str:
        return f"job settings of {self.owner}"
