"""The counter behind cluster handles."""

from django.conf import settings
from django.db import models


class ClusterCount(models.Model):
    """How many clusters a person has ever had. Never decreases, so no handle is reused after a deletion."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="cluster_count"
    )
    last = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.last} clusters of {self.owner_id}"
