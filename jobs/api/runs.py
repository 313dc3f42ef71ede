"""/jobs/{id}/runs/: the runs of a job. A command runs once, so a job that has started has exactly one run, `1`."""

from typing import Any

from django.db.models import Count, QuerySet, Sum
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.camel_case import CamelSerializer
from jobs.api.constant import ConstantField
from jobs.api.requests import cluster_of, job_of
from jobs.api.schema import JOB_ID
from jobs.api.stored_files import SEARCH, FileSerializer, filtered_files
from jobs.models import Job, StoredFile

RUN_ID = OpenApiParameter("run", str, OpenApiParameter.PATH, description="Always `1`.")


class RunSerializer(CamelSerializer):
    """A run of the job's command."""

    id = ConstantField("1")
    date_started = serializers.DateTimeField()
    date_completed = serializers.DateTimeField(allow_null=True)
    display_order = ConstantField(1)
    is_optimal = ConstantField(value=False)
    output_file_count = serializers.IntegerField()
    output_file_size = serializers.IntegerField()
    parent = ConstantField(None)  # type: ignore[assignment]
    type = ConstantField(3)
    variables = ConstantField([])


def runs_of(job: Job) -> list[dict[str, Any]]:
    """Return the job's runs; none before its command has started."""
    cluster = cluster_of(job)
    if cluster is None or cluster.executing_at is None:
        return []
    totals = job.output_files.aggregate(count=Count("id"), size=Sum("size"))
    return [
        {
            "date_started": cluster.executing_at,
            "date_completed": cluster.executed_at,
            "output_file_count": totals["count"],
            "output_file_size": totals["size"] or 0,
        }
    ]


def run_of(job: Job, run: str) -> dict[str, Any]:
    """Return the run that a path names. Raises NotFound."""
    runs = runs_of(job)
    if run != "1" or not runs:
        raise NotFound()
    return runs[0]


@extend_schema_view(get=extend_schema(parameters=[JOB_ID]))
class Runs(ListAPIView[Any]):
    """The runs of the job's command."""

    serializer_class = RunSerializer
    queryset = Job.objects.none()

    def get_queryset(self) -> list[dict[str, Any]]:  # type: ignore[override]
        return runs_of(job_of(self.request, self.kwargs["id"]))


@extend_schema(parameters=[JOB_ID, RUN_ID])
class OneRun(APIView):
    """A run of the job's command."""

    @extend_schema(responses=RunSerializer)
    def get(self, request: Request, id: str, run: str) -> Response:  # noqa: A002
        """Return when the run started and ended, and how many output files it has."""
        return Response(RunSerializer(run_of(job_of(request, id), run)).data)


@extend_schema_view(get=extend_schema(parameters=[JOB_ID, RUN_ID, SEARCH]))
class RunFiles(ListAPIView[StoredFile]):
    """The output files of the run."""

    serializer_class = FileSerializer
    queryset = StoredFile.objects.none()

    def get_queryset(self) -> QuerySet[StoredFile]:
        job = job_of(self.request, self.kwargs["id"])
        run_of(job, self.kwargs["run"])
        return filtered_files(StoredFile.objects.filter(job=job), self.request)
