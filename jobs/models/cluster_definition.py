"""The text a cluster was launched from."""

from django.db import models

from jobs.models.cluster import Cluster


class ClusterDefinition(models.Model):
    """The text as it was sent, for showing it and launching it again. Separate because Cluster is read often."""

    cluster = models.OneToOneField(Cluster, on_delete=models.CASCADE, related_name="definition")
    text = models.TextField()

    def __str__(self) -> str:
        return f"definition of {self.cluster_id}"
