"""A job as Rescale's clients read it, with what people miss there: how it ended."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.rest.camel_case import CamelSerializer
from jobs.api.analyses import name_of
from jobs.api.constant import ConstantField
from jobs.api.core_types import PLAN
from jobs.api.job_fields import CoreTypeCodeField
from jobs.api.requests import cluster_of, living_cluster_of
from jobs.api.running import StillRunningSerializer
from jobs.costs import still_running
from jobs.lifetime import deadline_limits
from jobs.lifetime.deadline import Reason
from jobs.models import Job, JobStatus, StoredFile
from jobs.states import ClusterState, JobState
from jobs.submission import job_actions

# What the list says of a job nobody submitted: it has no status row.
SAVED = "Saved"
_QUIET = ("", SAVED, JobState.COMPLETED, ClusterState.STOPPED, ClusterState.NOT_STARTED)


def with_summary(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """The jobs with `latest_status` and `storage`, without a query for each."""
    statuses = JobStatus.objects.filter(job=OuterRef("pk")).order_by("-id")
    files = StoredFile.objects.filter(job=OuterRef("pk")).order_by().values("job")
    return jobs.annotate(
        latest_status=Subquery(statuses.values("status")[:1]),
        storage=Coalesce(Subquery(files.annotate(total=Sum("size")).values("total")), 0),
    )


def owner_of(job: Job) -> str:
    """People are known by their address, as in Rescale; by their name when they have none."""
    return job.owner.email or job.owner.get_username()


class LabelSerializer(CamelSerializer):
    """A status for a list: its text, and how to show it."""

    content = serializers.CharField()
    label_class = serializers.CharField()
    use_label = serializers.BooleanField()


def label(content: str) -> dict[str, Any]:
    """The text with the look Rescale gives it."""
    if content in _QUIET:
        return {"content": content, "labelClass": "", "useLabel": False}
    style = "label-important" if content == ClusterState.ERROR else "label-success"
    return {"content": content, "labelClass": style, "useLabel": True}


class JobSummarySerializer(CamelSerializer):
    """A job in the list."""

    id = serializers.CharField()
    name = serializers.CharField()
    owner = serializers.SerializerMethodField()
    date_inserted = serializers.DateTimeField(source="created_at")
    analysis_names = serializers.SerializerMethodField()
    job_status = serializers.SerializerMethodField()
    cluster_status_display = serializers.SerializerMethodField()
    shared_with = ConstantField([])
    is_visible = ConstantField(value=True)
    storage = serializers.IntegerField(help_text="Bytes of output kept.")

    def get_owner(self, job: Job) -> str:
        return owner_of(job)

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_analysis_names(self, job: Job) -> list[str]:
        return [name_of(job.analysis_code)]

    @extend_schema_field(LabelSerializer)
    def get_job_status(self, job: Any) -> dict[str, Any]:
        return label(job.latest_status or SAVED)

    @extend_schema_field(LabelSerializer)
    def get_cluster_status_display(self, job: Job) -> dict[str, Any]:
        cluster = cluster_of(job)
        return label(cluster.status if cluster else ClusterState.NOT_STARTED)


class CoreSummarySerializer(CamelSerializer):
    """What a job's nodes add up to."""

    memory_per_node = serializers.IntegerField(help_text="MB")
    number_of_nodes = serializers.IntegerField()
    storage_per_node = serializers.IntegerField(help_text="GB")


class HardwareSerializer(CamelSerializer):
    """The machines of a job."""

    core_type = CoreTypeCodeField(source="core_type_id")
    cores_per_slot = serializers.IntegerField()
    slots = serializers.IntegerField()
    walltime = serializers.SerializerMethodField()
    type = ConstantField("compute")
    core_summary = serializers.SerializerMethodField()

    @extend_schema_field({"type": "number", "description": "Hours."})
    def get_walltime(self, job: Job) -> float:
        return _hours(job.walltime)

    @extend_schema_field(CoreSummarySerializer)
    def get_core_summary(self, job: Job) -> dict[str, int]:
        return {
            "memoryPerNode": job.core_type.memory_mb_per_core * job.cores_per_slot,
            "numberOfNodes": job.slots,
            "storagePerNode": job.core_type.storage_gb,
        }


class InputFileSerializer(CamelSerializer):
    """A file a job begins with."""

    id = serializers.CharField(source="file_id")
    name = serializers.CharField(source="file.name")
    decompress = serializers.BooleanField()


class JobAnalysisSerializer(CamelSerializer):
    """What a job runs on what."""

    analysis = serializers.SerializerMethodField()
    command = serializers.CharField()
    env_vars = serializers.DictField(child=serializers.CharField())
    flags = ConstantField({"igCv": True, "runForever": False})
    hardware = HardwareSerializer(source="*")
    input_files = InputFileSerializer(many=True, source="inputs")
    use_rescale_license = ConstantField(value=False)
    use_mpi = ConstantField(value=False)
    template_tasks = ConstantField([])
    pre_process_script = ConstantField(None)
    pre_process_script_command = ConstantField("")
    post_process_script = ConstantField(None)
    post_process_script_command = ConstantField("")
    on_demand_license_seller = ConstantField(None)
    user_defined_license_settings = ConstantField({"featureSets": []})

    @extend_schema_field(
        {
            "type": "object",
            "properties": {name: {"type": "string"} for name in ("code", "name", "version", "versionName")},
        }
    )
    def get_analysis(self, job: Job) -> dict[str, str]:
        return {
            "code": job.analysis_code,
            "name": name_of(job.analysis_code),
            "version": job.analysis_version,
            "versionName": job.analysis_version,
        }


class JobSerializer(CamelSerializer):
    """A whole job. Like Rescale's, it does not say its status: that is at statuses/."""

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
    jobanalyses = serializers.SerializerMethodField()
    auto_terminate_cluster = serializers.BooleanField()
    job_username = serializers.CharField(source="username")
    ssh_port = serializers.IntegerField(source="core_type.ssh_port")
    cidr_rule = serializers.SerializerMethodField(help_text="The rules at submission, with commas between.")
    public_key = serializers.SerializerMethodField(help_text="The keys at submission, one a line.")
    settings_changed = serializers.SerializerMethodField(
        help_text="What changed in your keys and rules since submission, as sentences; empty once the cluster is gone."
    )
    deadline = serializers.SerializerMethodField(
        help_text="When the cluster ends at the latest; null without one."
    )
    deadline_reason = serializers.SerializerMethodField(
        help_text="The limit that says so: " + ", ".join(Reason)
    )
    deadline_latest = serializers.SerializerMethodField(
        help_text="How far extend/ may move it; null while there is nothing to extend."
    )
    still_running = serializers.SerializerMethodField(
        help_text="What runs and costs now; null without a cluster."
    )
    elapsed_walltime_seconds = serializers.SerializerMethodField()
    exit_code = serializers.IntegerField(allow_null=True, help_text="Of the command; null while it runs.")
    outcome = serializers.CharField(
        allow_blank=True,
        help_text="succeeded, failed, terminated, walltime, deadline, error; empty before the end.",
    )
    outcome_reason = serializers.CharField(allow_blank=True)
    current_user_has_full_access = serializers.SerializerMethodField()
    description = ConstantField("")
    expected_runs = ConstantField(1)
    archive_filters = ConstantField([])
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
    user_tags = ConstantField([])
    shared_with = ConstantField([])
    cloned_from = ConstantField(None)
    launch_config = ConstantField(None)
    folder_id = ConstantField(None)
    os_cost_tier = ConstantField(None)
    is_pinned = ConstantField(value=False)
    suspend_available = ConstantField(value=False)
    is_interactive = ConstantField(value=False)

    def get_owner(self, job: Job) -> str:
        return owner_of(job)

    def get_billing_priority_value(self, job: Job) -> str:
        return "ON_DEMAND" if job.is_low_priority else PLAN

    @extend_schema_field(JobAnalysisSerializer(many=True))
    def get_jobanalyses(self, job: Job) -> Any:
        return JobAnalysisSerializer([job], many=True, context=self.context).data

    def get_cidr_rule(self, job: Job) -> str | None:
        rules = job.settings_snapshot.get("access_rules", [])
        return ",".join(rule["cidr"] for rule in rules) or None

    def get_public_key(self, job: Job) -> str | None:
        keys = job.settings_snapshot.get("ssh_keys", [])
        usable = [key for key in keys if key.get("standing", "active") == "active"]
        return "\n".join(key["public_key"] for key in usable) or None

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


def _hours(duration: timedelta) -> float:
    hours = duration.total_seconds() / 3600
    return int(hours) if hours.is_integer() else hours
