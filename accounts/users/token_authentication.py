"""API tokens: finds whose a secret is, for the REST API and for programs on a websocket.

The database knows only digests of tokens; a secret is never logged and never put into a message.
"""

import hashlib
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import APIToken, User
from accounts.refusals import Refused

KEYWORDS = ("token", "bearer")
LAST_USED_STEP = timedelta(minutes=1)
LONGEST_SECRET = 512


class TokenRefused(Refused):
    """A token without access: malformed_token, invalid_token, token_expired or user_inactive."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason, message, status=401)


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Token <secret>`, or `Bearer`. `request.auth` is then the APIToken."""

    def authenticate(self, request: Request) -> tuple[User, APIToken] | None:
        """Return (user, token); None if another kind of sign-in was used; a 401 answer for a bad token."""
        try:
            secret = secret_in(request.META.get("HTTP_AUTHORIZATION", ""))
            return None if secret is None else check(secret)
        except TokenRefused as refusal:
            raise AuthenticationFailed(refusal.message, code=refusal.reason) from None

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme, so that an answer without sign-in is 401 and not 403."""
        return "Token"


def secret_in(header: str) -> str | None:
    """Return the secret in an Authorization header; None if the header is for another scheme.

    Raises TokenRefused when it is for ours and malformed.
    """
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() not in KEYWORDS:
        return None
    secret = rest.strip()
    if not secret or len(secret) > LONGEST_SECRET or not all("!" <= character <= "~" for character in secret):
        message = "The Authorization header must be 'Token', one space, and the token without spaces."
        raise TokenRefused("malformed_token", message)
    return secret


def check(secret: str) -> tuple[User, APIToken]:
    """Return the person a secret stands for, and its token; note that it was used. Raises TokenRefused."""
    digest = hashlib.sha256(secret.encode()).hexdigest()
    token = APIToken.objects.select_related("owner").filter(digest=digest).first()
    if token is None:
        raise TokenRefused("invalid_token", "Invalid token.")
    now = timezone.now()
    if token.expires_at is not None and token.expires_at <= now:
        raise TokenRefused("token_expired", "API key is no longer active")
    if not token.owner.is_active:
        raise TokenRefused("user_inactive", "User inactive or deleted.")
    note_use(token)
    return token.owner, token


def user_for_token(secret: str) -> tuple[User, APIToken] | None:
    """Return (user, token) for a secret that is good now, else None."""
    try:
        return check(secret)
    except TokenRefused:
        return None


def note_use(token: APIToken) -> None:
    """Save when the token was last used, at most once a minute, whatever other processes do."""
    now = timezone.now()
    if token.last_used_at is not None and token.last_used_at > now - LAST_USED_STEP:
        return
    due = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - LAST_USED_STEP)
    if APIToken.objects.filter(due, pk=token.pk).update(last_used_at=now):
        token.last_used_at = now
