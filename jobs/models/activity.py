"""What was seen of people and programs on a cluster: for its idle limit."""

from django.db import models

from jobs.models.cluster import Cluster
from jobs.models.node import Node


class ActivitySource(models.Model):
    """The last activity of one source on one cluster."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="activity")
    source = models.CharField(max_length=16, help_text="As in jobs.lifetime.idle.")
    at = models.DateTimeField()
    detail = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(fields=["cluster", "source"], name="one_row_per_activity_source")
        ]

    def __str__(self) -> str:
        return f"{self.cluster_id} {self.source}"


class NodeActivity(models.Model):
    """When a node was asked and answered, and the counters of its last answer."""

    node = models.OneToOneField(Node, on_delete=models.CASCADE, related_name="activity")
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="Times in a row that it did not answer.")
    counters = models.JSONField(default=dict, help_text="As in jobs.lifetime.idle. Bounded.")

    def __str__(self) -> str:
        return f"activity of {self.node_id}"
