"""/leftovers/: clusters at a provider that nobody wants any more, for administrators."""

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
from jobs.models import Leftover

LEFTOVER_ID = OpenApiParameter("id", str, OpenApiParameter.PATH)


class LeftoverNodeSerializer(CamelSerializer):
    """A machine of it."""

    name = serializers.CharField()
    core_type = serializers.CharField()
    cores = serializers.IntegerField()
    state = serializers.CharField()


class LeftoverSerializer(CamelSerializer):
    """A cluster that should not be there."""

    id = serializers.CharField()
    provider = serializers.CharField()
    cluster_id = serializers.CharField()
    kind = serializers.ChoiceField(Leftover.Kind.values)
    job = serializers.CharField(
        source="job_id", allow_blank=True, help_text="Empty when the portal knows none."
    )
    owner = serializers.CharField(source="owner_name", allow_blank=True)
    nodes = LeftoverNodeSerializer(many=True)
    cost_per_hour = serializers.DecimalField(max_digits=12, decimal_places=4)
    currency = serializers.CharField()
    ordered_at = serializers.DateTimeField()
    found_at = serializers.DateTimeField()
    seen_at = serializers.DateTimeField()
    remove_at = serializers.DateTimeField(allow_null=True, help_text="When the portal removes it by itself.")
    removal_asked_at = serializers.DateTimeField(allow_null=True)
    removal_asked_by = serializers.CharField(allow_blank=True)


class Leftovers(ListAPIView[Leftover]):
    """For administrators: what is at a provider under this portal's mark and should not be."""

    serializer_class = LeftoverSerializer
    queryset = Leftover.objects.none()

    def get_queryset(self) -> QuerySet[Leftover]:
        return orphans.open_orphans(person(self.request))


@extend_schema(parameters=[LEFTOVER_ID])
class OneLeftover(APIView):
    """One of them, for administrators."""

    @extend_schema(responses=LeftoverSerializer)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """What is known of it."""
        found = pick(orphans.open_orphans(person(request)), id, number=True)
        return Response(LeftoverSerializer(found).data)

    @extend_schema(responses={202: LeftoverSerializer})
    def delete(self, request: Request, id: str) -> Response:  # noqa: A002
        """Have it removed now. Asking again changes nothing."""
        found = pick(orphans.open_orphans(person(request)), id, number=True)
        orphans.ask_removal(actor(request), found)
        found.refresh_from_db()
        return Response(LeftoverSerializer(found).data, status=status.HTTP_202_ACCEPTED)
