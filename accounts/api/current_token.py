"""/users/me/token/: the token that signs this very request, for programs that sign out."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services
from accounts.models import APIToken
from accounts.refusal_reasons import RefusalReason
from accounts.refusals import Refused
from accounts.rest.camel_case import CamelSerializer
from accounts.rest.requests import actor


class CurrentTokenSerializer(CamelSerializer):
    """The token that was used."""

    name = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    added_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)


class CurrentToken(APIView):
    """The token of this request."""

    def _token(self, request: Request) -> APIToken:
        if not isinstance(request.auth, APIToken):
            raise Refused(
                RefusalReason.NO_TOKEN_USED, "This request is signed in by a cookie, not a token.", status=409
            )
        return request.auth

    @extend_schema(responses=CurrentTokenSerializer)
    def get(self, request: Request) -> Response:
        """Return the token's name and when it expires."""
        return Response(CurrentTokenSerializer(self._token(request)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request) -> Response:
        """End the token. It is refused from the next request on."""
        services.end_api_token(actor(request), self._token(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
