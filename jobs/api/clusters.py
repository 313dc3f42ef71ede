"""/clusters/, /clusters/{handle}/ and terminate/: launched from a definition, called by their handle."""

from collections.abc import Mapping
from datetime import timedelta
from typing import IO, Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.generics import ListAPIView
from rest_framework.parsers import BaseParser, FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.camel_case import CamelSerializer
from accounts.rest.parsers import JSONParser
from accounts.rest.requests import actor, person
from jobs.context.plan import Member
from jobs.definitions import cluster_history, launching, toml_text
from jobs.definitions.cluster_history import Row
from jobs.definitions.launching import Checked, DefinitionRefused
from jobs.definitions.problems import DefinitionInvalid
from jobs.models import Cluster, Node
from jobs.submission import job_actions

HANDLE = OpenApiParameter("handle", str, OpenApiParameter.PATH, description="`cluster-001`")
CHECK = OpenApiParameter("check", bool, description="Only check the definition: nothing is launched.")
HOW_TO_SEND = (
    "Send the definition as text/plain or application/toml, or as JSON with the text in `definition`."
)


class PlainText(BaseParser):
    """A body that is the definition itself."""

    media_type = "text/plain"

    def parse(  # type: ignore[override]  # JSON's parser answers lists as well: the view looks
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """The bytes; one more than may be, when there are more."""
        return bytes(stream.read(toml_text.MOST_BYTES + 1))


class TOML(PlainText):
    """The same under its own name."""

    media_type = "application/toml"


class ProblemSerializer(CamelSerializer):
    """One thing to change in a definition."""

    line = serializers.IntegerField(allow_null=True, help_text="From 1; null when it is about the whole.")
    key = serializers.CharField(help_text="`members[1].core_type`, counted from 0; may be empty.")
    message = serializers.CharField()


class DefinitionRefusedSerializer(CamelSerializer):
    """Everything that is wrong with a definition."""

    definition = serializers.ListField(child=serializers.CharField(), help_text="The problems as sentences.")
    problems = ProblemSerializer(many=True)
    reason = serializers.CharField(help_text="`definition_invalid`")


class DefinitionBody(CamelSerializer):
    """A definition in JSON."""

    definition = serializers.CharField(trim_whitespace=False)


class MemberSerializer(CamelSerializer):
    """A node that is wanted."""

    name = serializers.CharField()
    role = serializers.CharField(help_text="`head` or `compute`")
    core_type = serializers.CharField()
    cores = serializers.IntegerField()
    provides = serializers.ListField(child=serializers.CharField())
    requires = serializers.ListField(child=serializers.CharField())


class CheckedSerializer(CamelSerializer):
    """What a good definition would launch."""

    name = serializers.CharField(source="definition.name")
    hours = serializers.FloatField(source="definition.hours")
    command = serializers.CharField(source="definition.command")
    members = MemberSerializer(many=True, source="definition.plan.members")
    nodes = serializers.SerializerMethodField()
    cores = serializers.IntegerField(source="definition.cores")
    rate_per_hour = serializers.FloatField(source="price_per_hour")
    currency = serializers.CharField()

    def get_nodes(self, checked: Checked) -> int:
        return len(checked.definition.plan.members)


class ClusterSerializer(CamelSerializer):
    """A cluster in the list."""

    handle = serializers.CharField()
    job_id = serializers.CharField(source="job.pk")
    name = serializers.CharField()
    status = serializers.CharField(help_text="As in cluster_statuses/.")
    failure = serializers.CharField(help_text="Why it broke; empty unless it did.")
    core_types = serializers.ListField(child=serializers.CharField())
    nodes = serializers.IntegerField()
    cores = serializers.IntegerField(help_text="All nodes' together.")
    hours = serializers.SerializerMethodField()
    rate_per_hour = serializers.FloatField(source="price_per_hour", help_text="While all of it is up.")
    currency = serializers.CharField()
    launched_at = serializers.DateTimeField()
    ready_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    deadline = serializers.DateTimeField(allow_null=True, help_text="When it ends at the latest.")
    outcome = serializers.CharField(help_text="As the job's; empty before the end.")
    outcome_reason = serializers.CharField()
    from_definition = serializers.BooleanField()

    @extend_schema_field(OpenApiTypes.FLOAT)
    def get_hours(self, row: Row) -> float:
        return row.hours / timedelta(hours=1)


class OneClusterSerializer(ClusterSerializer):
    """A cluster with its members, and the definition it was launched from."""

    members = serializers.SerializerMethodField()
    definition = serializers.SerializerMethodField(help_text="As it was sent; null for a job's own cluster.")

    @extend_schema_field(MemberSerializer(many=True))
    def get_members(self, row: Row) -> Any:
        return MemberSerializer(_members(row.cluster), many=True).data

    def get_definition(self, row: Row) -> str | None:
        return row.cluster.definition.text if row.from_definition else None


def _members(cluster: Cluster) -> list[Member]:
    """The members in their order; of a plain job its nodes, once they are ordered."""
    planned = {member["name"]: member for member in cluster.plan.get("members", [])}
    return [
        Member(
            node.name,
            node.role,
            node.core_type_id,
            node.cores,
            tuple(planned.get(node.name, {}).get("provides", ())),
            tuple(planned.get(node.name, {}).get("requires", ())),
        )
        for node in Node.objects.filter(cluster=cluster).defer("report_log")
    ]


def definition_of(request: Request) -> str:
    """The text that was sent. Raises DefinitionRefused, ValidationError."""
    sent: Any = request.data
    if isinstance(sent, Mapping):
        sent = sent.get("definition")
        if hasattr(sent, "read"):
            sent = sent.read(toml_text.MOST_BYTES + 1)
    if isinstance(sent, bytes):
        try:
            return toml_text.decode(sent)
        except DefinitionInvalid as invalid:
            raise DefinitionRefused(invalid.problems) from None
    if not isinstance(sent, str):
        raise serializers.ValidationError({"definition": [HOW_TO_SEND]})
    return sent


def _is_check(request: Request) -> bool:
    """Whether `check` is asked for. What cannot be understood is refused: a typing error must launch nothing."""
    said = request.query_params.get("check", "false").lower()
    if said not in ("true", "1", "false", "0"):
        raise serializers.ValidationError({"check": ["Say check=true, or leave it out."]})
    return said in ("true", "1")


class ClusterView(APIView):
    """A view of one's clusters. A definition that is refused comes back with every problem."""

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        if isinstance(exc, DefinitionRefused):
            response.data["definition"] = [str(problem) for problem in exc.problems]
            response.data["problems"] = ProblemSerializer(exc.problems, many=True).data
        return response

    def find(self, request: Request, handle: str) -> Cluster:
        """The cluster the path names. Raises NotFound."""
        cluster = cluster_history.find(person(request), handle)
        if cluster is None:
            raise NotFound()
        return cluster


def _answer(cluster: Cluster, code: int = status.HTTP_200_OK) -> Response:
    [row] = cluster_history.rows([cluster])
    return Response(OneClusterSerializer(row).data, status=code)


class Clusters(ClusterView, ListAPIView[Cluster]):
    """Your clusters, the newest first: launched from a definition or by a job."""

    serializer_class = ClusterSerializer
    queryset = Cluster.objects.none()
    parser_classes = [JSONParser, PlainText, TOML, FormParser, MultiPartParser]

    def get_queryset(self) -> QuerySet[Cluster]:
        return cluster_history.clusters_of(person(self.request))

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        if args:
            args = (cluster_history.rows(args[0]), *args[1:])
        return super().get_serializer(*args, **kwargs)

    @extend_schema(
        parameters=[CHECK],
        request={
            "application/toml": OpenApiTypes.STR,
            "text/plain": OpenApiTypes.STR,
            "application/json": DefinitionBody,
        },
        responses={
            200: OpenApiResponse(CheckedSerializer, "With `check=true`: what would be launched."),
            201: OneClusterSerializer,
            400: DefinitionRefusedSerializer,
        },
    )
    def post(self, request: Request) -> Response:
        """Launch a cluster from a definition (TOML), or check one. Every problem is told, with its line and key."""
        only_check = _is_check(request)
        text = definition_of(request)
        if only_check:
            return Response(CheckedSerializer(launching.check(person(request), text)).data)
        cluster = launching.launch(actor(request), person(request), text)
        return _answer(self.find(request, cluster.handle), status.HTTP_201_CREATED)


@extend_schema(parameters=[HANDLE])
class OneCluster(ClusterView):
    """One of your clusters."""

    @extend_schema(responses=OneClusterSerializer)
    def get(self, request: Request, handle: str) -> Response:
        """The cluster with its members. The way in is at the job's instances/ and connect/."""
        return _answer(self.find(request, handle))


@extend_schema(parameters=[HANDLE])
class Terminate(ClusterView):
    """Ends a cluster."""

    @extend_schema(request=None, responses={202: None})
    def post(self, request: Request, handle: str) -> Response:
        """End the command, if one runs, and the whole cluster. Asking again changes nothing."""
        job_actions.stop_job(actor(request), self.find(request, handle).job)
        return Response(status=status.HTTP_202_ACCEPTED)
