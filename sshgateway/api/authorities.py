"""/host-authority/ and /user-authority/: what to trust, as text to paste."""

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from sshgateway import authority

PLAIN_TEXT = {(200, "text/plain"): OpenApiTypes.STR}


def plain_text(text: str) -> HttpResponse:
    """Text for programs that do not speak JSON. Errors stay JSON."""
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


class HostAuthority(APIView):
    """The host certificate authority."""

    @extend_schema(responses=PLAIN_TEXT)
    def get(self, request: Request) -> HttpResponse:
        """The `@cert-authority` line: in your known_hosts, it makes ssh trust every cluster without a question."""
        return plain_text(authority.host_authority_line(f"*.{settings.HEADNODE_NAME}") + "\n")


class UserAuthority(APIView):
    """The user certificate authority."""

    @extend_schema(responses=PLAIN_TEXT)
    def get(self, request: Request) -> HttpResponse:
        """The public key with which nodes and machines recognise the portal's own logins."""
        return plain_text("".join(f"{line}\n" for line in authority.user_authority_lines()))
