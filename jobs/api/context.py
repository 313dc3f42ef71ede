"""/jobs/{id}/context/ and context-report/: how the nodes of a job's cluster booted."""

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.refusals import Refused
from accounts.rest.camel_case import CamelSerializer
from jobs.api.requests import job_of
from jobs.api.schema import JOB_ID
from jobs.context import report_store
from jobs.models import Cluster, Job


class PhaseSerializer(CamelSerializer):
    """One boot phase of a node. Times are by the node's own clock."""

    name = serializers.CharField()
    state = serializers.ChoiceField(["ahead", "running", "waiting", "ok", "error"])
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    seconds = serializers.FloatField(allow_null=True)
    said = serializers.CharField(allow_blank=True, help_text="The last line it sent about this phase.")


class NodeContextSerializer(CamelSerializer):
    """How a node booted. `outcome` is what it reported: ok, error, or null before it reported."""

    name = serializers.CharField()
    role = serializers.CharField()
    core_type = serializers.CharField()
    cores = serializers.IntegerField()
    state = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)
    outcome = serializers.ChoiceField(["ok", "error"], allow_null=True)
    address = serializers.CharField(allow_null=True)
    port = serializers.IntegerField(allow_null=True)
    hostname = serializers.CharField(allow_blank=True)
    host_keys = serializers.ListField(
        child=serializers.CharField(), help_text="Fingerprints of its host keys."
    )
    registered_at = serializers.DateTimeField(allow_null=True)
    reported_at = serializers.DateTimeField(allow_null=True)
    left_out = serializers.BooleanField(help_text="The cluster started without it.")
    phases = PhaseSerializer(many=True)


class ContextPolicySerializer(CamelSerializer):
    """What happens to the cluster if nodes do not come up."""

    on_error = serializers.ChoiceField(["back_out", "hold", "continue"])
    at_least_percent = serializers.IntegerField()
    hold_hours = serializers.FloatField()


class ContextSerializer(CamelSerializer):
    """How the nodes of a cluster booted: the same as summary.json in the report."""

    job = serializers.CharField()
    cluster = serializers.CharField()
    outcome = serializers.ChoiceField(["booting", "ok", "error"])
    status = serializers.CharField()
    failure = serializers.CharField(allow_blank=True)
    policy = ContextPolicySerializer()
    booting_at = serializers.DateTimeField(allow_null=True)
    held_at = serializers.DateTimeField(allow_null=True)
    ready_at = serializers.DateTimeField(allow_null=True)
    nodes = NodeContextSerializer(many=True)


@extend_schema(parameters=[JOB_ID])
class JobContext(APIView):
    """How the nodes boot."""

    @extend_schema(responses=ContextSerializer)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """Return each node with its boot phases. 409 for a job that was not submitted."""
        return Response(report_store.report_of(_cluster(job_of(request, id))).as_json())


@extend_schema(parameters=[JOB_ID])
class ContextReport(APIView):
    """The report of the boot."""

    @extend_schema(
        responses={(200, "application/zip"): OpenApiResponse(OpenApiTypes.BINARY, "A zip file")},
    )
    def get(self, request: Request, id: str) -> HttpResponse:  # noqa: A002
        """Return a zip file with summary.txt, summary.json and the whole boot log of each node.

        It is stored before the cluster is destroyed; until then it holds what is known so far.
        """
        job = job_of(request, id)
        response = HttpResponse(report_store.report_zip(_cluster(job)), content_type="application/zip")
        response["Content-Disposition"] = f'attachment; filename="context-report-{job.pk}.zip"'
        response["Cache-Control"] = "private, no-store"
        return response


def _cluster(job: Job) -> Cluster:
    cluster = Cluster.objects.select_related("job__core_type").filter(job=job).first()
    if cluster is None:
        raise Refused("not_submitted", "The job was not submitted, so it has no cluster yet.", status=409)
    return cluster
