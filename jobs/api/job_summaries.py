"""A job in the list of jobs, as Rescale's clients expect it."""

from functools import cached_property
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.rest.camel_case import CamelSerializer
from jobs.api.constant import ConstantField
from jobs.api.cost_fields import CostSerializer
from jobs.api.requests import cluster_of
from jobs.catalogue.choice import analysis_names
from jobs.models import Job, JobStatus, StoredFile
from jobs.states import ClusterState, JobState

# The status of a job that was not submitted: it has no status row.
SAVED = "Saved"
_UNLABELLED = ("", SAVED, JobState.COMPLETED, ClusterState.STOPPED, ClusterState.NOT_STARTED)


def with_summary(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Annotate the jobs with `latest_status` and `storage` (bytes), so that the list needs no query for each."""
    statuses = JobStatus.objects.filter(job=OuterRef("pk")).order_by("-id")
    files = StoredFile.objects.filter(job=OuterRef("pk")).order_by().values("job")
    return jobs.annotate(
        latest_status=Subquery(statuses.values("status")[:1]),
        storage=Coalesce(Subquery(files.annotate(total=Sum("size")).values("total")), 0),
    )


def owner_of(job: Job) -> str:
    """Return the owner's e-mail address, as Rescale does; the user name if there is none."""
    return job.owner.email or job.owner.get_username()


class LabelSerializer(CamelSerializer):
    """A status, and how to show it in a list."""

    content = serializers.CharField()
    label_class = serializers.CharField()
    use_label = serializers.BooleanField()


def label(content: str) -> dict[str, Any]:
    """Return a status with the label that Rescale gives it."""
    if content in _UNLABELLED:
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
    storage = serializers.IntegerField(help_text="Bytes of output files.")
    cost = serializers.SerializerMethodField(help_text="As at cost/, now.")

    def get_owner(self, job: Job) -> str:
        return owner_of(job)

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_analysis_names(self, job: Job) -> list[str]:
        return [self._names.get(row.analysis_code, row.analysis_code) for row in job.analyses]

    @cached_property
    def _names(self) -> dict[str, str]:
        """The names of all analyses, read once for a page of jobs."""
        return analysis_names()

    @extend_schema_field(CostSerializer)
    def get_cost(self, job: Job) -> Any:
        return CostSerializer(self.context["costs"][job.pk]).data

    @extend_schema_field(LabelSerializer)
    def get_job_status(self, job: Any) -> dict[str, Any]:
        return label(job.latest_status or SAVED)

    @extend_schema_field(LabelSerializer)
    def get_cluster_status_display(self, job: Job) -> dict[str, Any]:
        cluster = cluster_of(job)
        return label(cluster.status if cluster else ClusterState.NOT_STARTED)
