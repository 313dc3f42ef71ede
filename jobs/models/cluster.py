"""What is provisioned for a job."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from jobs.ids import LENGTH, new_id
from jobs.models.budget import Budget
from jobs.models.job import Job
from jobs.states import ClusterState, Desired, Observed, cluster_state


class Cluster(models.Model):
    """Desired and observed state of one job's nodes, and the claim of the worker that moves them."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="cluster")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="clusters",
        help_text="The job's owner, repeated here so that the database keeps handles unique per person.",
    )
    handle = models.CharField(
        max_length=24, help_text="cluster-001: the name its owner sees (jobs.events.handles)."
    )
    provider = models.CharField(max_length=40, default="simulated")
    plan = models.JSONField(
        default=dict,
        blank=True,
        help_text="Members, roles, data, scripts and policy (jobs.context.context_plan). Empty for a plain job.",
    )
    provider_state = models.JSONField(
        default=dict, help_text="The provider's own state, opaque to everyone else."
    )
    desired_state = models.CharField(
        max_length=16, default=Desired.RUNNING, choices=[(d.value, d.value) for d in Desired]
    )
    observed_state = models.CharField(
        max_length=16, default=Observed.ABSENT, choices=[(o.value, o.value) for o in Observed]
    )
    failure = models.CharField(max_length=500, blank=True, help_text="Why it failed, as a sentence.")
    access_pushed = models.CharField(
        max_length=64,
        blank=True,
        db_column="admitted",
        help_text="Digest of the access document last pushed to its nodes.",
    )
    access_version = models.PositiveIntegerField(
        default=0,
        db_column="admission_version",
        help_text="Version of the newest access document. Each version is used once.",
    )
    login_cursor = models.BigIntegerField(
        default=0, help_text="Sequence number of the newest login record read from the nodes."
    )

    created_at = models.DateTimeField(default=timezone.now)
    booting_at = models.DateTimeField(null=True, blank=True)
    held_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when it is held for debugging because not all nodes came up."
    )
    ready_at = models.DateTimeField(null=True, blank=True)
    executing_at = models.DateTimeField(null=True, blank=True)
    executed_at = models.DateTimeField(null=True, blank=True)
    collected_at = models.DateTimeField(null=True, blank=True)
    kept_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when its head node is kept for its owner after the command."
    )
    released_at = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField(null=True, blank=True)
    deadline_reason = models.CharField(max_length=40, blank=True)
    let_start_at = models.DateTimeField(
        null=True, blank=True, help_text="When its budgets let it start; its life counts from then."
    )
    wait_began_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when it waits, or waited, for a budget before it was ordered."
    )
    waits_for_budget = models.ForeignKey(
        Budget,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="waiting_clusters",
        help_text="The budget that has no room for it now.",
    )
    context_report = models.CharField(
        max_length=200, blank=True, help_text="Where its context report is in storage."
    )
    context_reported_at = models.DateTimeField(
        null=True, blank=True, help_text="When the context report was stored, or given up."
    )
    extended_until = models.DateTimeField(
        null=True, blank=True, help_text="Until when its owner wants it kept although no command runs."
    )
    keep_running_until = models.DateTimeField(
        null=True, blank=True, help_text="Until when its owner wants it, used or not."
    )
    active_at = models.DateTimeField(
        null=True, blank=True, help_text="The last activity that was seen on it (jobs.lifetime.idle)."
    )
    looked_at = models.DateTimeField(
        null=True, blank=True, help_text="When its nodes were last asked for activity."
    )
    warned_minutes = models.PositiveSmallIntegerField(
        default=0,
        help_text="Minutes of the last warning before this deadline that was given or skipped; 0: none.",
    )
    broadcast_minutes = models.PositiveSmallIntegerField(
        default=0, help_text="Minutes of the last warning that was broadcast on its nodes."
    )
    log_offset = models.BigIntegerField(
        default=0, help_text="Bytes of process_output.log copied to the Job Log."
    )

    # For the loop (jobs.control): one index finds due rows; a claim is a conditional UPDATE that expires.
    next_check_at = models.DateTimeField(null=True, default=timezone.now)
    claimed_until = models.DateTimeField(null=True, blank=True)
    claimed_by = models.CharField(max_length=120, blank=True)
    wakeups = models.PositiveIntegerField(
        default=0, help_text="Counts wakeups, so that a pass sees those that came while it ran."
    )
    failures = models.PositiveIntegerField(default=0, help_text="Number of passes in a row that failed.")

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "handle"], name="one_cluster_per_handle_of_a_person")
        ]
        indexes = [
            # For the sweep: only rows that will become due, in that order.
            models.Index(
                fields=["next_check_at", "claimed_until"],
                condition=models.Q(next_check_at__isnull=False),
                name="clusters_by_next_check",
            ),
            # For the front page: those of one person that are not gone.
            models.Index(
                fields=["owner"],
                condition=models.Q(next_check_at__isnull=False),
                name="live_clusters_by_owner",
            ),
        ]

    def __str__(self) -> str:
        return f"cluster {self.id} of job {self.job_id}"

    @property
    def status(self) -> ClusterState:
        """Return the status people see. Computed, never stored."""
        return cluster_state(Desired(self.desired_state), Observed(self.observed_state), bool(self.failure))


class ClusterStatus(models.Model):
    """One dated status of the cluster's history."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="statuses")
    status = models.CharField(max_length=20, choices=[(s.value, s.value) for s in ClusterState])
    reason = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["cluster", "status"], name="one_row_per_cluster_status")
        ]

    def __str__(self) -> str:
        return f"{self.cluster_id} {self.status}"
