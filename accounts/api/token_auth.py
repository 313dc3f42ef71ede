"""/api-token-auth/: exchange a password for an API token, for programs that can ask for nothing but a password.

The portal has no second factor: a password alone is enough, here as on the sign-in page.
"""

from typing import cast

from allauth.account.adapter import get_adapter
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
from accounts.refusal_reasons import RefusalReason
from accounts.refusals import Refused

NAME = "Signed in by a program"
# Such programs ask for a new token at every start. The oldest ones are ended, so that this many remain.
KEPT = 10
# The longer window of ACCOUNT_RATE_LIMITS["login_failed"].
TRY_AGAIN_SECONDS = 300


class TokenAuth(APIView):
    """Sign a program in. Needs no token and ignores cookies."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(request=CredentialsSerializer, responses=TokenSerializer, auth=[])
    def post(self, request: Request) -> Response:
        """Create a token with all your rights. It expires after 90 days, or sooner where the administrator says so."""
        serializer = CredentialsSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        user = _checked(request, **serializer.validated_data)
        actor = Actor(user, source_address.source_address_of(request._request), "api")
        return Response({"token": _new_token(actor, user)})


def _checked(request: Request, username: str, password: str) -> User:
    """Return the user with this password. Failed attempts count together with those on the sign-in page.

    Raises Refused (`bad_credentials`), Throttled after too many failed attempts.
    """
    try:
        found = get_adapter(request._request).authenticate(
            request._request, username=username, password=password
        )
    except ValidationError:
        raise Throttled(TRY_AGAIN_SECONDS, "Too many failed attempts.") from None
    if found is None or not found.is_active:
        raise Refused(RefusalReason.BAD_CREDENTIALS, "Unable to log in with provided credentials.")
    return cast(User, found)


def _new_token(actor: Actor, user: User) -> str:
    for old in user.api_tokens.good().filter(name=NAME).order_by("-added_at", "-id")[KEPT - 1 :]:
        services.end_api_token(actor, old)
    return services.create_api_token(actor, user, NAME)[1]
