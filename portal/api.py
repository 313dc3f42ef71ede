"""Routes of the REST API.

v2 and v3 have the same endpoints; v3 writes a core type as `{"code": ...}`.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.negotiation import DefaultContentNegotiation

from accounts.api.token_auth import TokenAuth
from accounts.rest import schema  # noqa: F401  # registers the token scheme with drf-spectacular
from portal.api_root import ROUTES, Root


class Docs(SpectacularSwaggerSplitView):
    """The readable form of the OpenAPI document: the variant without inline scripts, which our CSP forbids."""

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]
        """Return the methods. REST framework would render metadata, for which a page has no template."""
        return HttpResponse(headers={"Allow": ", ".join(self.allowed_methods)})


_ENDPOINTS = [path("", Root.as_view()), *ROUTES]

urlpatterns = [
    path("api/v2/", include(_ENDPOINTS)),
    path("api/v3/", include(_ENDPOINTS)),
    path("api-token-auth/", TokenAuth.as_view()),
    path(
        "api/schema/",
        SpectacularAPIView.as_view(content_negotiation_class=DefaultContentNegotiation),
        name="api-schema",
    ),
    path("api/docs/", Docs.as_view(url_name="api-schema"), name="api-docs"),
]
