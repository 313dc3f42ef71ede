"""A person's unit of work."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from jobs.ids import LENGTH, new_id
from jobs.models.core_type import CoreType
from jobs.states import JobState, Outcome


class AnalysisFields(models.Model):
    """What one analysis of a job runs. The first analysis is in the job's own row."""

    command = models.TextField()
    analysis_code = models.CharField(max_length=80, default="user_included")
    analysis_version = models.CharField(max_length=80, default="0")
    env_vars = models.JSONField(default=dict)
    use_mpi = models.BooleanField(default=False)
    pre_process_command = models.TextField(blank=True)
    post_process_command = models.TextField(blank=True)
    license_settings = models.JSONField(
        default=dict, help_text="What was said of licences. Returned, without effect: none are sold here."
    )

    class Meta:
        abstract = True


class Job(AnalysisFields):
    """What to run, on what hardware, for how long. Saved first, submitted later."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="jobs")
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    user_tags = models.JSONField(default=list, help_text="Texts, in the order in which they were given.")
    archive_filters = models.JSONField(
        default=list, help_text="Patterns of the output files to keep; empty: all of them."
    )
    cidr_rules = models.JSONField(
        default=list, help_text="Access rules of this job's cluster; empty: those of its owner."
    )
    core_type = models.ForeignKey(CoreType, on_delete=models.PROTECT, related_name="jobs")
    cores_per_slot = models.PositiveIntegerField()
    slots = models.PositiveIntegerField()
    walltime = models.DurationField()
    idle_minutes = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Minutes without activity after which its cluster ends; 0: never; empty: the portal's default.",
    )
    is_low_priority = models.BooleanField(default=False)
    project_id = models.CharField(max_length=40, null=True, blank=True)
    cloned_from = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="clones"
    )
    settings_snapshot = models.JSONField(
        default=dict, help_text="Keys, rules and settings as they were at submission."
    )
    auto_terminate_cluster = models.BooleanField(default=True)
    run_forever = models.BooleanField(
        default=False, help_text="The owner asked to keep the cluster after the last command."
    )
    is_interactive = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    submitted_at = models.DateTimeField(null=True, blank=True)
    stop_requested_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    exit_code = models.IntegerField(null=True, blank=True)
    analysis_exit_codes = models.JSONField(
        default=list, help_text="The exit code of each analysis in order; null for one that did not run."
    )
    outcome = models.CharField(max_length=16, blank=True, choices=[(o.value, o.value) for o in Outcome])
    outcome_reason = models.CharField(max_length=300, blank=True)
    last_sequence = models.PositiveIntegerField(
        default=0, help_text="Sequence number of the newest job event."
    )

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["owner", "-created_at"]),
            # For the estimate: the newest runs of one kind.
            models.Index(
                fields=[
                    "owner",
                    "analysis_code",
                    "core_type",
                    "cores_per_slot",
                    "slots",
                    "outcome",
                    "-created_at",
                ],
                name="jobs_alike",
            ),
            # For the tabs of the list: it has all that they read.
            models.Index(
                fields=["owner", "outcome", "-created_at", "-id", "submitted_at"], name="jobs_by_outcome"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"

    @property
    def username(self) -> str:
        """Return the login name on the cluster."""
        return f"{settings.HEADNODE_JOB_USER_PREFIX}{self.id}"

    @property
    def home(self) -> str:
        return f"/enc/{self.username}"

    @property
    def work_directory(self) -> str:
        return f"{self.home}/work"

    @property
    def analyses(self) -> "list[AnalysisFields]":
        """Return all analyses in the order in which they run; the first is the job itself."""
        return [self, *self.following.all()]

    @property
    def cores(self) -> int:
        """Return the cores of a job whose nodes are all alike; jobs.costs.hardware handles any job."""
        return self.cores_per_slot * self.slots


class FollowingAnalysis(AnalysisFields):
    """The second or a later analysis of a job: it runs after the one before it, in the same cluster."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="following")
    position = models.PositiveSmallIntegerField(help_text="1 for the second analysis.")

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["job", "position"], name="one_analysis_per_position")]

    def __str__(self) -> str:
        return f"analysis {self.position + 1} of {self.job_id}"


class JobStatus(models.Model):
    """One dated status of the job's history."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="statuses")
    status = models.CharField(max_length=20, choices=[(s.value, s.value) for s in JobState])
    reason = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["job", "status"], name="one_row_per_job_status")]

    def __str__(self) -> str:
        return f"{self.job_id} {self.status}"
