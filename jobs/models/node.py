"""One machine of a cluster."""

from django.db import models

from jobs.models.choices import titled_choices
from jobs.models.cluster import Cluster
from jobs.models.core_type import CoreType
from jobs.states import NodeState


class Node(models.Model):
    """A head or compute node: what was ordered, what the provider says and what the node itself reported."""

    class Role(models.TextChoices):
        HEAD = "head"
        COMPUTE = "compute"

    State = NodeState

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="nodes")
    name = models.CharField(max_length=40)
    role = models.CharField(max_length=8, choices=Role)
    core_type = models.ForeignKey(CoreType, on_delete=models.PROTECT)
    cores = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=titled_choices(NodeState), default=NodeState.ORDERED)
    reason = models.CharField(max_length=500, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    port = models.PositiveIntegerField(null=True, blank=True)
    private_address = models.GenericIPAddressField(null=True, blank=True)
    hostname = models.CharField(max_length=80, blank=True)
    host_keys = models.JSONField(default=list, help_text="Public host keys the node reported. Pinned.")
    token_digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of its one-time token.")
    token_expires_at = models.DateTimeField(null=True, blank=True, help_text="When its token expires.")
    registered_at = models.DateTimeField(null=True, blank=True)
    reported_at = models.DateTimeField(null=True, blank=True)
    report_outcome = models.CharField(max_length=8, blank=True)
    report_log = models.TextField(blank=True)
    heard = models.PositiveIntegerField(
        default=0, help_text="Highest line number received of its boot stream."
    )
    left_out = models.BooleanField(default=False, help_text="The cluster continued without it.")
    verified_at = models.DateTimeField(
        null=True, blank=True, help_text="When the portal first logged in with the pinned host key."
    )
    certified_until = models.DateTimeField(
        null=True, blank=True, help_text="When its current host certificates expire."
    )
    certified_by = models.CharField(
        max_length=64, blank=True, help_text="Fingerprint of the authority key that signed them."
    )
    host_key_alarm_at = models.DateTimeField(
        null=True, blank=True, help_text="When it showed a host key other than the one it reported."
    )
    host_key_shown = models.CharField(
        max_length=64,
        blank=True,
        help_text="Fingerprint of that key; empty if it showed none of a pinned type.",
    )

    class Meta:
        ordering = ["cluster", "id"]
        constraints = [models.UniqueConstraint(fields=["cluster", "name"], name="one_row_per_node")]

    def __str__(self) -> str:
        return f"{self.name} of {self.cluster_id}"

    @property
    def is_up(self) -> bool:
        """Return whether people can log in to it now."""
        return self.state == NodeState.RUNNING and self.verified_at is not None
