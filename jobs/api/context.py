"""/jobs/{id}/context/ and context-report/: how the nodes of a job's cluster came up."""

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
from jobs.context import reporting
from jobs.models import Cluster, Job


class PhaseSerializer(CamelSerializer):
    """One phase of a node, by the node's own clock."""

    name = serializers.CharField()
    state = serializers.ChoiceField(["ahead", "running", "waiting", "ok", "error"])
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    seconds = serializers.FloatField(allow_null=True)
    said = serializers.CharField(allow_blank=True, help_text="The last thing it said of the phase.")


class NodeContextSerializer(CamelSerializer):
    """How a node came up. `outcome` is what it reported: ok, error, or null while it did not."""

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
    host_keys = serializers.ListField(child=serializers.CharField(), help_text="Fingerprints.")
    registered_at = serializers.DateTimeField(allow_null=True)
    reported_at = serializers.DateTimeField(allow_null=True)
    left_out = serializers.BooleanField(help_text="The cluster went on without it.")
    phases = PhaseSerializer(many=True)


class ContextPolicySerializer(CamelSerializer):
    """What becomes of the cluster when nodes do not come up."""

    on_error = serializers.ChoiceField(["back_out", "hold", "continue"])
    at_least_percent = serializers.IntegerField()
    hold_hours = serializers.FloatField()


class ContextSerializer(CamelSerializer):
    """How the nodes of a cluster came up: the same as summary.json in the report."""

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
    """How the nodes come up."""

    @extend_schema(responses=ContextSerializer)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """Each node with its phases, while they boot and afterwards. 409 for a job that was not submitted."""
        return Response(reporting.report_of(_cluster(job_of(request, id))).as_json())


@extend_schema(parameters=[JOB_ID])
class ContextReport(APIView):
    """The report bundle."""

    @extend_schema(
        responses={(200, "application/zip"): OpenApiResponse(OpenApiTypes.BINARY, "A zip file")},
    )
    def get(self, request: Request, id: str) -> HttpResponse:  # noqa: A002
        """A zip with summary.txt, summary.json and one text per node with its whole log.

        It is stored before anything of the cluster is destroyed; until then it says what is known so far.
        """
        job = job_of(request, id)
        answer = HttpResponse(reporting.bundle(_cluster(job)), content_type="application/zip")
        answer["Content-Disposition"] = f'attachment; filename="context-report-{job.pk}.zip"'
        answer["Cache-Control"] = "private, no-store"
        return answer


def _cluster(job: Job) -> Cluster:
    cluster = Cluster.objects.select_related("job__core_type").filter(job=job).first()
    if cluster is None:
        raise Refused("not_submitted", "The job was not submitted: it has no cluster yet.", status=409)
    return cluster
