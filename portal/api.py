"""Routes of the REST API.

v2 and v3 are the same rooms; v3 writes a core type as `{"code": ...}`.
"""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.negotiation import DefaultContentNegotiation

from accounts.api.token_auth import TokenAuth
from accounts.rest import schema  # noqa: F401  # tells drf-spectacular of our tokens
from portal.api_root import ROUTES, Root

_EVERYTHING = [path("", Root.as_view()), *ROUTES]

urlpatterns = [
    path("api/v2/", include(_EVERYTHING)),
    path("api/v3/", include(_EVERYTHING)),
    path("api-token-auth/", TokenAuth.as_view()),
    path(
        "api/schema/",
        SpectacularAPIView.as_view(content_negotiation_class=DefaultContentNegotiation),
        name="api-schema",
    ),
    path(
        "api/docs/",
        # The variant without inline scripts: our Content-Security-Policy has none.
        SpectacularSwaggerSplitView.as_view(url_name="api-schema"),
        name="api-docs",
    ),
]
