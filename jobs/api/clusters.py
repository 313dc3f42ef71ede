"""/clusters/, /clusters/{handle}/ and terminate/: launch, list and terminate clusters by their handle."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.conditional import Conditional
from accounts.rest.parsers import JSONParser
from accounts.rest.requests import actor, person, pick
from jobs.api.cluster_serializers import (
    CheckedSerializer,
    ClusterSerializer,
    DefinitionBody,
    DefinitionRefusedSerializer,
    OneClusterSerializer,
    ProblemSerializer,
)
from jobs.api.definition_body import PlainTextParser, TOMLParser, definition_of, is_check
from jobs.api.requests import job_of
from jobs.api.schema import JOB_ID
from jobs.api.statuses import ClusterStatusSerializer
from jobs.definitions import cluster_history, launching
from jobs.definitions.launching import DefinitionRefused
from jobs.models import Cluster, ClusterStatus
from jobs.submission import job_actions

HANDLE = OpenApiParameter(
    "handle", str, OpenApiParameter.PATH, description="`cluster-001`, or the cluster's id"
)
CHECK = OpenApiParameter("check", bool, description="Only check the definition; nothing is launched.")


class ClusterView(APIView):
    """A view of the user's clusters. A definition that is refused is answered with all of its problems."""

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        if isinstance(exc, DefinitionRefused):
            response.data["definition"] = [str(problem) for problem in exc.problems]
            response.data["problems"] = ProblemSerializer(exc.problems, many=True).data
        return response

    def find(self, request: Request, handle: str) -> Cluster:
        """Return the cluster that the path names. Raises NotFound."""
        cluster = cluster_history.find_cluster(person(request), handle)
        # By the id that instances/ gives, too, as in Rescale.
        return cluster or pick(cluster_history.clusters_of(person(request)), handle)


def _cluster_response(cluster: Cluster, code: int = status.HTTP_200_OK) -> Response:
    [row] = cluster_history.cluster_rows([cluster])
    return Response(OneClusterSerializer(row).data, status=code)


class Clusters(ClusterView, ListAPIView[Cluster]):
    """Your clusters, newest first: those launched from a definition and those that jobs ordered."""

    serializer_class = ClusterSerializer
    queryset = Cluster.objects.none()
    parser_classes = [JSONParser, PlainTextParser, TOMLParser, FormParser, MultiPartParser]

    def get_queryset(self) -> QuerySet[Cluster]:
        return cluster_history.clusters_of(person(self.request))

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        if args:
            args = (cluster_history.cluster_rows(args[0]), *args[1:])
        return super().get_serializer(*args, **kwargs)

    @extend_schema(
        parameters=[CHECK],
        request={
            "application/toml": OpenApiTypes.STR,
            "text/plain": OpenApiTypes.STR,
            "application/json": DefinitionBody,
        },
        responses={
            200: OpenApiResponse(CheckedSerializer, "With `check=true`: what it would launch."),
            201: OneClusterSerializer,
            400: DefinitionRefusedSerializer,
        },
    )
    def post(self, request: Request) -> Response:
        """Launch a cluster from a definition (TOML), or check one. All problems are returned, with line and key."""
        only_check = is_check(request)
        text = definition_of(request)
        if only_check:
            return Response(CheckedSerializer(launching.check_definition(person(request), text)).data)
        cluster = launching.launch_cluster(actor(request), person(request), text)
        return _cluster_response(self.find(request, cluster.handle), status.HTTP_201_CREATED)


@extend_schema(parameters=[HANDLE])
class OneCluster(ClusterView):
    """One of your clusters."""

    @extend_schema(responses=OneClusterSerializer)
    def get(self, request: Request, handle: str) -> Response:
        """Return the cluster with its members. How to log in is at the job's instances/ and connect/."""
        return _cluster_response(self.find(request, handle))


@extend_schema_view(get=extend_schema(parameters=[HANDLE]))
class StatusesOfCluster(Conditional, ClusterView, ListAPIView[ClusterStatus]):
    """The statuses of a cluster, newest first."""

    serializer_class = ClusterStatusSerializer
    queryset = ClusterStatus.objects.none()

    def get_queryset(self) -> QuerySet[ClusterStatus]:
        return ClusterStatus.objects.filter(cluster=self.find(self.request, self.kwargs["handle"]))


@extend_schema_view(get=extend_schema(parameters=[JOB_ID]))
class JobClusters(ListAPIView[Cluster]):
    """The clusters of a job: the one it ordered, or none before it is submitted."""

    serializer_class = ClusterSerializer
    queryset = Cluster.objects.none()

    def get_queryset(self) -> QuerySet[Cluster]:
        job = job_of(self.request, self.kwargs["id"])
        return cluster_history.clusters_of(job.owner).filter(job=job)

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        if args:
            args = (cluster_history.cluster_rows(args[0]), *args[1:])
        return super().get_serializer(*args, **kwargs)


@extend_schema(parameters=[HANDLE])
class Terminate(ClusterView):
    """Terminate a cluster."""

    @extend_schema(request=None, responses={202: None})
    def post(self, request: Request, handle: str) -> Response:
        """Terminate the whole cluster; a running command ends. Doing it again changes nothing."""
        job_actions.stop_job(actor(request), self.find(request, handle).job)
        return Response(status=status.HTTP_202_ACCEPTED)
