"""/users/me/ and /users/me/job-settings/: the signed-in user and their job settings."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import cidr, services, source_address
from accounts.api.serializers import (
    JobSettingsPatchSerializer,
    JobSettingsSerializer,
    PersonSerializer,
    PingSerializer,
)
from accounts.keys import validity
from accounts.rest.requests import actor, person


class Me(APIView):
    """The signed-in user."""

    @extend_schema(responses=PersonSerializer)
    def get(self, request: Request) -> Response:
        """Get your name, your portal, and how many hours a job may run at most."""
        context = {
            "portal_name": settings.HEADNODE_NAME,
            "max_job_hours": settings.HEADNODE_MAX_JOB_HOURS,
        }
        return Response(PersonSerializer(person(request), context=context).data)


class Ping(APIView):
    """Whether the portal answers and the token is good."""

    @extend_schema(responses=PingSerializer)
    def get(self, request: Request) -> Response:
        """Return `ok`."""
        return Response({"status": "ok"})


class JobSettingsView(APIView):
    """The settings that apply to every job you submit."""

    def _document(self, request: Request) -> dict[str, Any]:
        owner = person(request)
        row = services.job_settings(owner)
        address = source_address.source_address_of(request._request)
        rules = [rule.cidr for rule in validity.rules_in_force(owner)]
        return {
            "auto_terminate_cluster": row.auto_terminate_cluster,
            "ssh_access": row.ssh_access,
            "current_address": address,
            "current_address_allowed": row.ssh_access and cidr.allows(rules, address),
        }

    @extend_schema(responses=JobSettingsSerializer)
    def get(self, request: Request) -> Response:
        """Get the settings, and whether you could connect now from the address you come from."""
        return Response(JobSettingsSerializer(self._document(request)).data)

    @extend_schema(request=JobSettingsPatchSerializer, responses=JobSettingsSerializer)
    def patch(self, request: Request) -> Response:
        """Change settings. Fields that are left out keep their values."""
        serializer = JobSettingsPatchSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        services.update_job_settings(actor(request), person(request), **serializer.validated_data)
        return Response(JobSettingsSerializer(self._document(request)).data)
