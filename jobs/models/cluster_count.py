"""How many clusters a person ever had: where the next handle comes from."""

from django.conf import settings
from django.db import models


class ClusterCount(models.Model):
    """A person's counter. It never goes back, so a handle is not given twice, whatever is deleted."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="cluster_count"
    )
    last = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.last} clusters of {self.owner_id}"
