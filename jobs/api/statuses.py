"""/jobs/{id}/statuses/ and cluster_statuses/: the statuses that a job and its cluster had, newest first."""

from datetime import UTC
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.generics import ListAPIView

from accounts.rest.camel_case import CamelSerializer
from accounts.rest.conditional import Conditional
from jobs.api.constant import ConstantField
from jobs.api.requests import existing_cluster_of, job_of
from jobs.api.schema import JOB_ID
from jobs.models import ClusterStatus, JobStatus


class ReasonField(serializers.CharField):
    """The reason of a status; null if it has none."""

    def __init__(self) -> None:
        super().__init__(source="reason", allow_null=True)

    def to_representation(self, value: Any) -> Any:
        """Return the reason, or null for an empty one."""
        return super().to_representation(value) or None


class JobStatusSerializer(CamelSerializer):
    """A status that a job had."""

    id = serializers.IntegerField()
    job_id = serializers.CharField()
    status = serializers.CharField()
    status_date = serializers.SerializerMethodField(help_text="With `+00:00`, as in Rescale.")
    status_reason = ReasonField()
    substatus = ConstantField(None)
    notify = ConstantField(value=False)
    prevent_duplicates = ConstantField(value=True)

    @extend_schema_field({"type": "string", "format": "date-time"})
    def get_status_date(self, row: JobStatus) -> str:
        return row.at.astimezone(UTC).isoformat()


class ClusterStatusSerializer(CamelSerializer):
    """A status that a cluster had."""

    id = serializers.IntegerField()
    cluster_id = serializers.CharField()
    status = serializers.CharField()
    status_date = serializers.DateTimeField(source="at")
    status_reason = ReasonField()


@extend_schema_view(get=extend_schema(parameters=[JOB_ID]))
class JobStatuses(Conditional, ListAPIView[JobStatus]):
    """The statuses of the job, newest first. The last is `Completed`, however the job ended."""

    serializer_class = JobStatusSerializer
    queryset = JobStatus.objects.none()

    def get_queryset(self) -> QuerySet[JobStatus]:
        return JobStatus.objects.filter(job=job_of(self.request, self.kwargs["id"]))


@extend_schema_view(get=extend_schema(parameters=[JOB_ID]))
class ClusterStatuses(Conditional, ListAPIView[ClusterStatus]):
    """The statuses of the job's cluster, newest first. 404 while there is no cluster."""

    serializer_class = ClusterStatusSerializer
    queryset = ClusterStatus.objects.none()

    def get_queryset(self) -> QuerySet[ClusterStatus]:
        cluster = existing_cluster_of(job_of(self.request, self.kwargs["id"]))
        return ClusterStatus.objects.filter(cluster=cluster)
