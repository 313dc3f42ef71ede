"""What is at a provider and should not be."""

import secrets

from django.db import models
from django.utils import timezone


def new_mark() -> str:
    """96 random bits: no other portal has the same."""
    return secrets.token_hex(12)


class PortalMark(models.Model):
    """What this portal's orders carry, so that several portals can share a cloud. One row, made at the first order."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    mark = models.CharField(max_length=64, default=new_mark)

    def __str__(self) -> str:
        return self.mark


class Leftover(models.Model):
    """A cluster that a provider has under this portal's mark, and that nobody here wants any more."""

    class Kind(models.TextChoices):
        NO_ROW = "no_row"  # the portal knows no such cluster
        ROW_STOPPED = "row_stopped"  # the portal holds it for Stopped
        STILL_STOPPING = (
            "still_stopping"  # it is being taken away, and that takes long; the loop goes on by itself
        )

    provider = models.CharField(max_length=40)
    cluster_id = models.CharField(max_length=64)
    provider_state = models.JSONField(default=dict)
    kind = models.CharField(max_length=20, choices=Kind)
    job_id = models.CharField(max_length=64, blank=True)
    owner_name = models.CharField(max_length=150, blank=True)
    nodes = models.JSONField(
        default=list, help_text="[{name, core_type, cores, state}] as the provider said last."
    )
    cost_per_hour = models.DecimalField(max_digits=12, decimal_places=4, default=0)
    currency = models.CharField(max_length=3, blank=True)
    ordered_at = models.DateTimeField()
    found_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    remove_at = models.DateTimeField(null=True, blank=True, help_text="When it is removed by itself.")
    removal_asked_at = models.DateTimeField(null=True, blank=True)
    removal_asked_by = models.CharField(max_length=150, blank=True)
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-found_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "cluster_id"],
                condition=models.Q(gone_at__isnull=True),
                name="one_open_row_per_leftover",
            )
        ]

    def __str__(self) -> str:
        return f"leftover {self.cluster_id} at {self.provider}"
