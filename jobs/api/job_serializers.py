"""A whole job, as Rescale's clients expect it, and in addition how it ended and what still runs."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.rest.camel_case import CamelSerializer
from jobs.api.activity import ActivitySerializer
from jobs.api.constant import ConstantField
from jobs.api.core_types import PLAN
from jobs.api.job_analyses import JobAnalysisSerializer, analyses_of
from jobs.api.job_fields import TextEntriesField
from jobs.api.job_summaries import owner_of
from jobs.api.requests import cluster_of, living_cluster_of
from jobs.api.running import StillRunningSerializer
from jobs.costs import still_running
from jobs.lifetime import activity_report, deadline_limits
from jobs.lifetime.deadline import DeadlineReason
from jobs.models import Job
from jobs.submission import job_actions


def shown_cidr_rules(job: Job) -> list[str]:
    """Return the job's own access rules, or else its owner's at submission."""
    return job.cidr_rules or [rule["cidr"] for rule in job.settings_snapshot.get("access_rules", [])]


def shown_public_keys(job: Job) -> list[str]:
    """Return its owner's usable SSH keys at submission."""
    keys = job.settings_snapshot.get("ssh_keys", [])
    return [key["public_key"] for key in keys if key.get("standing", "active") == "active"]


class JobSerializer(CamelSerializer):
    """A whole job. As in Rescale, its status is not part of it but at statuses/."""

    id = serializers.CharField()
    name = serializers.CharField()
    owner = serializers.SerializerMethodField()
    owner_id = serializers.IntegerField()
    date_inserted = serializers.DateTimeField(source="created_at")
    date_submitted = serializers.DateTimeField(source="submitted_at", allow_null=True)
    date_completed = serializers.DateTimeField(source="completed_at", allow_null=True)
    project_id = serializers.CharField(allow_null=True)
    is_low_priority = serializers.BooleanField()
    billing_priority_value = serializers.SerializerMethodField()
    description = serializers.CharField()
    user_tags = TextEntriesField("name")
    archive_filters = TextEntriesField("selector")
    is_interactive = serializers.BooleanField()
    jobanalyses = serializers.SerializerMethodField()
    auto_terminate_cluster = serializers.BooleanField()
    idle_minutes = serializers.IntegerField(
        allow_null=True, help_text="The idle limit that the job asks for; null: the portal's own."
    )
    job_username = serializers.CharField(source="username")
    ssh_port = serializers.IntegerField(source="core_type.ssh_port")
    cidr_rule = serializers.SerializerMethodField(
        help_text="The job's own access rules, or else yours at submission, separated by commas."
    )
    public_key = serializers.SerializerMethodField(help_text="The SSH keys at submission, one per line.")
    settings_changed = serializers.SerializerMethodField(
        help_text="What changed in your keys and rules since submission, as sentences; empty once the cluster is gone."
    )
    deadline = serializers.SerializerMethodField(
        help_text="When the cluster ends at the latest; null without a cluster."
    )
    deadline_reason = serializers.SerializerMethodField(
        help_text="Which limit the deadline is: " + ", ".join(DeadlineReason)
    )
    deadline_latest = serializers.SerializerMethodField(
        help_text="How far extend/ can move the deadline; null while it cannot."
    )
    activity = serializers.SerializerMethodField(
        help_text="The last activity on the cluster and its sources; null unless people use the cluster now."
    )
    still_running = serializers.SerializerMethodField(
        help_text="What runs and costs now; null without a cluster."
    )
    elapsed_walltime_seconds = serializers.SerializerMethodField()
    exit_code = serializers.IntegerField(
        allow_null=True, help_text="The exit code of the command; null while it runs."
    )
    outcome = serializers.CharField(
        allow_blank=True,
        help_text="succeeded, failed, terminated, walltime, deadline, error; empty before the end.",
    )
    outcome_reason = serializers.CharField(allow_blank=True)
    current_user_has_full_access = serializers.SerializerMethodField()
    expected_runs = ConstantField(1)
    resource_filters = ConstantField([])
    case_file = ConstantField(None)
    param_file = ConstantField(None)
    jobvariables = ConstantField([])
    include_nominal_run = ConstantField(value=False)
    is_template_dry_run = ConstantField(value=False)
    is_template = ConstantField(value=False)
    monte_carlo_iterations = ConstantField(None)
    optimizer = ConstantField(None)
    remote_viz_config = ConstantField(None)
    shared_with = ConstantField([])
    cloned_from = serializers.CharField(source="cloned_from_id", allow_null=True)
    launch_config = ConstantField(None)
    api_key = ConstantField(None)
    folder_id = ConstantField(None)
    os_cost_tier = ConstantField(None)
    is_pinned = ConstantField(value=False)
    suspend_available = ConstantField(value=False)

    def get_owner(self, job: Job) -> str:
        return owner_of(job)

    def get_billing_priority_value(self, job: Job) -> str:
        return "ON_DEMAND" if job.is_low_priority else PLAN

    @extend_schema_field(JobAnalysisSerializer(many=True))
    def get_jobanalyses(self, job: Job) -> Any:
        return JobAnalysisSerializer(analyses_of(job), many=True, context=self.context).data

    def get_cidr_rule(self, job: Job) -> str | None:
        return ",".join(shown_cidr_rules(job)) or None

    def get_public_key(self, job: Job) -> str | None:
        return "\n".join(shown_public_keys(job)) or None

    def get_settings_changed(self, job: Job) -> list[str]:
        return [change.sentence for change in job_actions.settings_changes(job)]

    def get_deadline(self, job: Job) -> datetime | None:
        cluster = living_cluster_of(job)
        return cluster.deadline_at if cluster else None

    def get_deadline_reason(self, job: Job) -> str | None:
        cluster = living_cluster_of(job)
        return cluster.deadline_reason or None if cluster else None

    def get_deadline_latest(self, job: Job) -> datetime | None:
        cluster = living_cluster_of(job)
        return deadline_limits.latest_extension_of(cluster) if cluster else None

    @extend_schema_field(ActivitySerializer(allow_null=True))
    def get_activity(self, job: Job) -> Any:
        cluster = living_cluster_of(job)
        found = activity_report.activity_of(cluster) if cluster else None
        return None if found is None else ActivitySerializer(found).data

    @extend_schema_field(StillRunningSerializer(allow_null=True))
    def get_still_running(self, job: Job) -> Any:
        cluster = cluster_of(job)
        return (
            None if cluster is None else StillRunningSerializer(still_running.still_running_of(cluster)).data
        )

    def get_elapsed_walltime_seconds(self, job: Job) -> int | None:
        cluster = cluster_of(job)
        if cluster is None or cluster.executing_at is None:
            return None
        return int(((cluster.executed_at or timezone.now()) - cluster.executing_at).total_seconds())

    def get_current_user_has_full_access(self, job: Job) -> bool:
        return bool(job.owner_id == self.context["user_id"])
