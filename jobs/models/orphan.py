"""Clusters that a provider has although no job needs them, the searches for them, and this portal's id."""

import secrets

from django.db import models
from django.utils import timezone


def new_portal_id() -> str:
    """Return 96 random bits as hex, so that no two portals have the same id."""
    return secrets.token_hex(12)


class PortalId(models.Model):
    """This portal's id, sent with every order, so that several portals can share a cloud. One row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    value = models.CharField(max_length=64, default=new_portal_id, db_column="mark")

    class Meta:
        db_table = "jobs_portalmark"

    def __str__(self) -> str:
        return self.value


class OrphanCluster(models.Model):
    """A cluster that a provider has under this portal's id and that no job needs any more."""

    class Kind(models.TextChoices):
        NO_ROW = "no_row"  # the portal knows no such cluster
        ROW_STOPPED = "row_stopped"  # the portal has recorded it as Stopped
        STILL_STOPPING = "still_stopping"  # its release takes long; the loop keeps asking the provider

    provider = models.CharField(max_length=40)
    cluster_id = models.CharField(max_length=64)
    provider_state = models.JSONField(default=dict)
    kind = models.CharField(max_length=20, choices=Kind)
    job_id = models.CharField(max_length=64, blank=True)
    owner_name = models.CharField(max_length=150, blank=True)
    nodes = models.JSONField(
        default=list, help_text="[{name, core_type, cores, state}] as the provider last reported them."
    )
    cost_per_hour = models.DecimalField(max_digits=12, decimal_places=4, default=0)
    currency = models.CharField(max_length=3, blank=True)
    ordered_at = models.DateTimeField()
    found_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    remove_at = models.DateTimeField(null=True, blank=True, help_text="When it is removed automatically.")
    removal_asked_at = models.DateTimeField(null=True, blank=True)
    removal_asked_by = models.CharField(max_length=150, blank=True)
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "jobs_leftover"
        ordering = ["-found_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "cluster_id"],
                condition=models.Q(gone_at__isnull=True),
                name="one_open_row_per_leftover",
            )
        ]

    def __str__(self) -> str:
        return f"orphan {self.cluster_id} at {self.provider}"


class OrphanSearch(models.Model):
    """How the last searches for orphaned clusters at one provider went, so that every process can tell."""

    provider = models.CharField(max_length=40, primary_key=True)
    searched_at = models.DateTimeField(null=True, blank=True, help_text="When its list was last read whole.")
    failing_since = models.DateTimeField(
        null=True, blank=True, help_text="Since when its list cannot be read; empty while it can."
    )
    problem = models.CharField(max_length=500, blank=True, help_text="Why it cannot be read, as a sentence.")

    class Meta:
        ordering = ["provider"]

    def __str__(self) -> str:
        return f"search at {self.provider}"
