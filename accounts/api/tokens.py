"""/users/me/tokens/: list, make and end API tokens."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services
from accounts.models import APIToken
from accounts.rest.camel_case import CamelModelSerializer, CamelSerializer
from accounts.rest.requests import actor, person, pick
from accounts.rest.schema import ROW_NUMBER
from accounts.services.api_tokens import BY_DEFAULT
from accounts.token_scopes import ALL_SCOPES, TokenScope, all_scopes
from accounts.users.scope_checks import scope_refusal

SCOPES = [(scope.value, scope.label) for scope in ALL_SCOPES]


class APITokenSerializer(CamelModelSerializer):
    """A token. Its secret cannot be read again."""

    scopes = serializers.ListField(child=serializers.ChoiceField(SCOPES))

    class Meta:
        model = APIToken
        fields = [
            "id",
            "name",
            "prefix",
            "scopes",
            "added_at",
            "expires_at",
            "last_used_at",
            "last_used_from",
        ]


class MadeAPITokenSerializer(APITokenSerializer):
    """A token just made, with its secret, this once."""

    token = serializers.CharField(help_text="Shown only now.")

    class Meta(APITokenSerializer.Meta):
        fields = [*APITokenSerializer.Meta.fields, "token"]


class NewAPITokenSerializer(CamelSerializer):
    """A token to make."""

    name = serializers.CharField()
    # The service says what is wrong with them.
    scopes = serializers.ListField(
        child=serializers.CharField(max_length=40),
        max_length=20,
        required=False,
        help_text=f"Some of: {', '.join(TokenScope)}. Left out: all that the token or session asking has.",
    )
    expires_at = serializers.DateTimeField(
        required=False,
        allow_null=True,
        help_text="Left out: in 90 days, or sooner where the administrator says so. null: never, where allowed.",
    )


class APITokens(ListAPIView[APIToken]):
    """Your API tokens, expired ones too."""

    serializer_class = APITokenSerializer
    queryset = APIToken.objects.none()

    def get_queryset(self) -> QuerySet[APIToken]:
        return person(self.request).api_tokens.not_ended()

    @extend_schema(request=NewAPITokenSerializer, responses={201: MadeAPITokenSerializer})
    def post(self, request: Request) -> Response:
        """Make a token. A token makes only such as may do no more than itself (403 `scope_missing`)."""
        body = NewAPITokenSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        held = request.auth.scopes if isinstance(request.auth, APIToken) else all_scopes()
        scopes = body.validated_data.get("scopes", held)
        missing = [scope for scope in ALL_SCOPES if scope.value in scopes and scope.value not in held]
        if missing:
            raise scope_refusal(missing)
        token, secret = services.create_api_token(
            actor(request),
            person(request),
            body.validated_data["name"],
            body.validated_data.get("expires_at", BY_DEFAULT),
            scopes,
        )
        answer = Response({**APITokenSerializer(token).data, "token": secret}, status=status.HTTP_201_CREATED)
        answer["Cache-Control"] = "no-store"
        return answer


@extend_schema(parameters=[ROW_NUMBER])
class OneAPIToken(APIView):
    """One of your API tokens."""

    def _token(self, request: Request, token_id: str) -> APIToken:
        return pick(person(request).api_tokens.not_ended(), token_id, number=True)

    @extend_schema(responses=APITokenSerializer)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """Get a token: its scopes, when it expires, when and from where it was last used."""
        return Response(APITokenSerializer(self._token(request, id)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: str) -> Response:  # noqa: A002
        """End the token. It is refused from the next request on; its websockets and terminals close in seconds."""
        services.end_api_token(actor(request), self._token(request, id))
        return Response(status=status.HTTP_204_NO_CONTENT)
