"""Routes under /api/v2/ and /api/v3/."""

from django.urls import path

from sshgateway.api import authorities

urlpatterns = [
    path("host-authority/", authorities.HostAuthority.as_view()),
    path("user-authority/", authorities.UserAuthority.as_view()),
]
