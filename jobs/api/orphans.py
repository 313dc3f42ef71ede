"""/leftovers/: clusters at a provider that no job uses, for administrators."""

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.camel_case import CamelSerializer
from accounts.rest.requests import actor, person, pick
from jobs.lifetime import orphans
from jobs.models import OrphanCluster

ORPHAN_ID = OpenApiParameter("id", str, OpenApiParameter.PATH)


class OrphanNodeSerializer(CamelSerializer):
    """A node of an orphaned cluster."""

    name = serializers.CharField()
    core_type = serializers.CharField()
    cores = serializers.IntegerField()
    state = serializers.CharField()


class OrphanClusterSerializer(CamelSerializer):
    """A cluster at a provider that no job uses."""

    id = serializers.CharField()
    provider = serializers.CharField()
    cluster_id = serializers.CharField()
    kind = serializers.ChoiceField(OrphanCluster.Kind.values)
    job = serializers.CharField(
        source="job_id", allow_blank=True, help_text="Empty if the portal knows of no job."
    )
    owner = serializers.CharField(source="owner_name", allow_blank=True)
    nodes = OrphanNodeSerializer(many=True)
    cost_per_hour = serializers.DecimalField(max_digits=12, decimal_places=4)
    currency = serializers.CharField()
    ordered_at = serializers.DateTimeField()
    found_at = serializers.DateTimeField()
    seen_at = serializers.DateTimeField()
    remove_at = serializers.DateTimeField(
        allow_null=True, help_text="When the portal terminates it automatically."
    )
    removal_asked_at = serializers.DateTimeField(allow_null=True)
    removal_asked_by = serializers.CharField(allow_blank=True)


class Orphans(ListAPIView[OrphanCluster]):
    """For administrators: clusters at a provider that carry this portal's id and that no job uses."""

    serializer_class = OrphanClusterSerializer
    queryset = OrphanCluster.objects.none()

    def get_queryset(self) -> QuerySet[OrphanCluster]:
        return orphans.open_orphans(person(self.request))


@extend_schema(parameters=[ORPHAN_ID])
class OneOrphan(APIView):
    """One cluster that no job uses, for administrators."""

    @extend_schema(responses=OrphanClusterSerializer)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """Return what the provider reports of it."""
        found = pick(orphans.open_orphans(person(request)), id, number=True)
        return Response(OrphanClusterSerializer(found).data)

    @extend_schema(responses={202: OrphanClusterSerializer})
    def delete(self, request: Request, id: str) -> Response:  # noqa: A002
        """Terminate it now. Doing it again changes nothing."""
        found = pick(orphans.open_orphans(person(request)), id, number=True)
        orphans.request_removal(actor(request), found)
        found.refresh_from_db()
        return Response(OrphanClusterSerializer(found).data, status=status.HTTP_202_ACCEPTED)
