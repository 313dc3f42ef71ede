"""/jobs/{id}/statuses/ and cluster_statuses/: what a job and its cluster went through, newest first."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.generics import ListAPIView

from accounts.rest.camel_case import CamelSerializer
from jobs.api.constant import ConstantField
from jobs.api.requests import existing_cluster_of, job_of
from jobs.api.schema import JOB_ID
from jobs.models import ClusterStatus, JobStatus


class ReasonField(serializers.CharField):
    """Why; null when there is nothing to say."""

    def __init__(self) -> None:
        super().__init__(source="reason", allow_null=True)

    def to_representation(self, value: Any) -> Any:
        """The reason or null."""
        return super().to_representation(value) or None


class JobStatusSerializer(CamelSerializer):
    """A status a job reached."""

    id = serializers.IntegerField()
    job_id = serializers.CharField()
    status = serializers.CharField()
    status_date = serializers.DateTimeField(source="at")
    status_reason = ReasonField()
    substatus = ConstantField(None)
    notify = ConstantField(value=False)
    prevent_duplicates = ConstantField(value=True)


class ClusterStatusSerializer(CamelSerializer):
    """A status a cluster reached."""

    id = serializers.IntegerField()
    cluster_id = serializers.CharField()
    status = serializers.CharField()
    status_date = serializers.DateTimeField(source="at")
    status_reason = ReasonField()


@extend_schema_view(get=extend_schema(parameters=[JOB_ID]))
class JobStatuses(ListAPIView[JobStatus]):
    """What the job went through, newest first; `Completed` is the last, however it ended."""

    serializer_class = JobStatusSerializer
    queryset = JobStatus.objects.none()

    def get_queryset(self) -> QuerySet[JobStatus]:
        return JobStatus.objects.filter(job=job_of(self.request, self.kwargs["id"]))


@extend_schema_view(get=extend_schema(parameters=[JOB_ID]))
class ClusterStatuses(ListAPIView[ClusterStatus]):
    """What the job's cluster went through, newest first. 404 until there is a cluster."""

    serializer_class = ClusterStatusSerializer
    queryset = ClusterStatus.objects.none()

    def get_queryset(self) -> QuerySet[ClusterStatus]:
        cluster = existing_cluster_of(job_of(self.request, self.kwargs["id"]))
        return ClusterStatus.objects.filter(cluster=cluster)
