"""The job settings model."""

from django.conf import settings
from django.db import models


class JobSettings(models.Model):
    """The settings that apply to every job a user submits. Keys and rules have models of their own."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="job_settings"
    )
    auto_terminate_cluster = models.BooleanField(default=True)
    ssh_access = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "job settings"

    def __str__(self) -> str:
        return f"job settings of {self.owner}"
