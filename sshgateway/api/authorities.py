"""/host-authority/ and /user-authority/: the public keys of the authorities, as text to paste."""

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
    """Return a plain text response, for programs that do not read JSON. Errors are still JSON."""
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


class HostAuthority(APIView):
    """The host certificate authority."""

    @extend_schema(responses=PLAIN_TEXT)
    def get(self, request: Request) -> HttpResponse:
        """Return the `@cert-authority` line for your known_hosts. With it ssh trusts every cluster without asking.

        It applies to nodes by alias (`-o HostKeyAlias=...`) and by address. During a rotation of the authority's key
        there are two lines: take both.
        """
        patterns = known_hosts.patterns(settings.HEADNODE_NAME, settings.HEADNODE_NODE_NETWORKS)
        return plain_text("".join(f"{line}\n" for line in authorities.host_authority_lines(patterns)))


class UserAuthority(APIView):
    """The user certificate authority."""

    @extend_schema(responses=PLAIN_TEXT)
    def get(self, request: Request) -> HttpResponse:
        """Return the public key by which nodes and machines recognise the portal's own logins; two in a rotation."""
        return plain_text("".join(f"{line}\n" for line in authorities.user_authority_lines()))
