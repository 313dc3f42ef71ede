"""/host-authority/ and /user-authority/: what to trust, as text to paste."""

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from sshgateway.certificates import authorities
from sshgateway.ssh import known_hosts

PLAIN_TEXT = {(200, "text/plain"): OpenApiTypes.STR}


def plain_text(text: str) -> HttpResponse:
    """Text for programs that do not speak JSON. Errors stay JSON."""
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


class HostAuthority(APIView):
    """The host certificate authority."""

    @extend_schema(responses=PLAIN_TEXT)
    def get(self, request: Request) -> HttpResponse:
        """The `@cert-authority` line: in your known_hosts, it makes ssh trust every cluster without a question.

        It holds for nodes by alias (`-o HostKeyAlias=...`) and by address. While the authority's key is being
        changed there are two lines: take both.
        """
        patterns = known_hosts.patterns(settings.HEADNODE_NAME, settings.HEADNODE_NODE_NETWORKS)
        return plain_text("".join(f"{line}\n" for line in authorities.host_authority_lines(patterns)))


class UserAuthority(APIView):
    """The user certificate authority."""

    @extend_schema(responses=PLAIN_TEXT)
    def get(self, request: Request) -> HttpResponse:
        """The public key with which nodes and machines recognise the portal's own logins."""
        return plain_text("".join(f"{line}\n" for line in authorities.user_authority_lines()))
