"""/api/v2/: the index of the API. Clients also use it to try their token."""

from django.urls import URLPattern
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.urls import urlpatterns as accounts_routes
from jobs.api.urls import urlpatterns as jobs_routes
from sshgateway.api.urls import urlpatterns as sshgateway_routes

ROUTES: list[URLPattern] = [*accounts_routes, *sshgateway_routes, *jobs_routes]


class Root(APIView):
    """The index of the API."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """Get the URL of every list."""
        paths = sorted(str(route.pattern) for route in ROUTES)
        return Response(
            {path.rstrip("/"): request.build_absolute_uri(path) for path in paths if "<" not in path}
        )
