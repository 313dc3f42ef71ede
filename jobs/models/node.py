"""One machine of a cluster."""

from django.db import models

from jobs.models.cluster import Cluster
from jobs.models.core_type import CoreType


class Node(models.Model):
    """A head or compute node: what was ordered, what the provider says, what it reported itself."""

    class Role(models.TextChoices):
        HEAD = "head"
        COMPUTE = "compute"

    class State(models.TextChoices):
        ORDERED = "ordered"
        BOOTING = "booting"
        RUNNING = "running"
        STOPPING = "stopping"
        STOPPED = "stopped"
        FAILED = "failed"

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="nodes")
    name = models.CharField(max_length=40)
    role = models.CharField(max_length=8, choices=Role)
    core_type = models.ForeignKey(CoreType, on_delete=models.PROTECT)
    cores = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.ORDERED)
    reason = models.CharField(max_length=500, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    port = models.PositiveIntegerField(null=True, blank=True)
    private_address = models.GenericIPAddressField(null=True, blank=True)
    hostname = models.CharField(max_length=80, blank=True)
    host_keys = models.JSONField(default=list, help_text="Public host keys the node reported: pinned.")
    token_digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of its one-time token.")
    token_expires_at = models.DateTimeField(
        null=True, blank=True, help_text="From when on its token is good for nothing."
    )
    registered_at = models.DateTimeField(null=True, blank=True)
    reported_at = models.DateTimeField(null=True, blank=True)
    report_outcome = models.CharField(max_length=8, blank=True)
    report_log = models.TextField(blank=True)
    heard = models.PositiveIntegerField(default=0, help_text="Highest number of its boot stream's lines.")
    left_out = models.BooleanField(default=False, help_text="The cluster went on without it.")
    verified_at = models.DateTimeField(
        null=True, blank=True, help_text="When the portal first logged in with the pinned host key."
    )
    certified_until = models.DateTimeField(
        null=True, blank=True, help_text="Until when the host certificates it was given last are good."
    )
    certified_by = models.CharField(
        max_length=64, blank=True, help_text="Fingerprint of the authority's key that signed them."
    )
    host_key_alarm_at = models.DateTimeField(
        null=True, blank=True, help_text="When it showed another host key than it reported."
    )
    host_key_shown = models.CharField(
        max_length=64, blank=True, help_text="Fingerprint of that key; empty when none of a pinned type."
    )

    class Meta:
        ordering = ["cluster", "id"]
        constraints = [models.UniqueConstraint(fields=["cluster", "name"], name="one_row_per_node")]

    def __str__(self) -> str:
        return f"{self.name} of {self.cluster_id}"

    @property
    def is_up(self) -> bool:
        """Whether one can log in to it now."""
        return self.state == self.State.RUNNING and self.verified_at is not None
