"""Every route of the portal."""

from django.urls import include, path

from portal import cli_pages, health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("cli/", cli_pages.page, name="cli"),
    path("cli/version/", cli_pages.version),
    path("cli/headnode-latest.whl", cli_pages.latest_wheel),
    path("cli/headnode-latest.tar.gz", cli_pages.latest_archive),
    path("cli/<str:name>", cli_pages.wheel),
    path("accounts/", include("allauth.account.urls")),
    path("context/v1/", include("jobs.context.urls")),
    path("", include("portal.api")),
    path("", include("accounts.urls")),
    path("", include("jobs.urls")),
]

handler400 = "portal.errors.bad_request"
handler403 = "portal.errors.permission_denied"
handler404 = "portal.errors.page_not_found"
handler500 = "portal.errors.server_error"
