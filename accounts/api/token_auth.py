"""/api-token-auth/: a password for a token, for programs that have only a password to ask for."""

from typing import cast

from allauth.account.adapter import get_adapter
from django.apps import apps
from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import Throttled
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services, source_address
from accounts.api.serializers import CredentialsSerializer, TokenSerializer
from accounts.audit.trail import Actor
from accounts.models import User
from accounts.refusals import Refused

NAME = "Signed in by a program"
# Programs of this kind ask again at every start: the oldest of their tokens make room.
KEPT = 10
# The longer window of ACCOUNT_RATE_LIMITS["login_failed"].
TRY_AGAIN_SECONDS = 300


class TokenAuth(APIView):
    """Signs a program in. Needs no token and looks at no cookie."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(request=CredentialsSerializer, responses=TokenSerializer, auth=[])
    def post(self, request: Request) -> Response:
        """A new token with all your rights. Refused while a second factor is on: make a token in your settings."""
        asked = CredentialsSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        user = _checked(request, **asked.validated_data)
        return Response(
            {
                "token": _new_token(
                    Actor(user, source_address.source_address_of(request._request), "api"), user
                )
            }
        )


def _checked(request: Request, username: str, password: str) -> User:
    """The person with this password. Wrong guesses are counted together with those on the sign-in page."""
    try:
        found = get_adapter(request._request).authenticate(
            request._request, username=username, password=password
        )
    except ValidationError:
        raise Throttled(TRY_AGAIN_SECONDS, "Too many failed attempts.") from None
    if found is None or not found.is_active:
        raise Refused("bad_credentials", "Unable to log in with provided credentials.")
    user = cast(User, found)
    if _has_second_factor(user):
        raise Refused(
            "second_factor_on",
            "A second factor is on: a password alone gives no token. Sign in with a browser and make an API token "
            "in your settings.",
            status=403,
        )
    return user


def _has_second_factor(user: User) -> bool:
    if not apps.is_installed("allauth.mfa"):
        return False
    return bool(apps.get_model("mfa", "Authenticator").objects.filter(user=user).exists())  # type: ignore[misc]


def _new_token(actor: Actor, user: User) -> str:
    for old in user.api_tokens.filter(name=NAME).order_by("-added_at", "-id")[KEPT - 1 :]:
        services.revoke_api_token(actor, old)
    return services.create_api_token(actor, user, NAME)[1]
