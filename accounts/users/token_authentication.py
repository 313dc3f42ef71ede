"""Authenticate API tokens, for the REST API and for websockets, and derived keys, for the REST API.

The database has digests of tokens only. A secret is never logged and never part of a message.
"""

import hashlib
from datetime import timedelta

from django.db.models import Q
from django.urls import ResolverMatch
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import source_address
from accounts.models import APIToken, User
from accounts.refusals import ReasonWithMessage, Refused
from accounts.token_scopes import TokenScope
from accounts.users import derived_keys, scope_checks
from accounts.users.derived_keys import DerivedKey

KEYWORDS = ("token", "bearer")
LAST_USED_STEP = timedelta(minutes=1)
LONGEST_SECRET = 512


class TokenRefusalReason(ReasonWithMessage):
    """Why a token grants no access: a stable word, and the message for the user."""

    MALFORMED = (
        "malformed_token",
        "The Authorization header must be 'Token', one space, and the token without spaces.",
    )
    INVALID = "invalid_token", "Invalid token."
    # The wording of Rescale's API, which clients know.
    EXPIRED = "token_expired", "API key is no longer active"
    ENDED = "token_ended", "This token was ended. Make another under Settings, API tokens."
    JOB_ENDED = "job_key_ended", "This key belongs to a job, and ended with it."
    USER_INACTIVE = "user_inactive", "User inactive or deleted."


class TokenRefused(Refused):
    """Raised for a token that grants no access."""

    def __init__(self, reason: TokenRefusalReason) -> None:
        super().__init__(reason, reason.message, status=401)


class TokenAuthentication(BaseAuthentication):
    """Authenticate `Authorization: Token <secret>`, or `Bearer`. `request.auth` is then the APIToken."""

    def authenticate(self, request: Request) -> tuple[User, APIToken | DerivedKey] | None:
        """Return (user, token or key); None without one. Raise AuthenticationFailed (401) for an invalid one.

        Raises Refused (`scope_missing`, 403) for a token whose scopes do not reach the route. Here, because every view
        that takes a token authenticates it, whatever permissions it has of its own.
        """
        try:
            secret = read_secret(request.META.get("HTTP_AUTHORIZATION", ""))
            if secret is None:
                return None
            user, credential = sign_in(secret, source_address.source_address_of(request._request))
            check_reach(credential, request._request.resolver_match, request.method or "")
            return user, credential
        except TokenRefused as refusal:
            raise AuthenticationFailed(refusal.message, code=refusal.reason) from None

    def authenticate_header(self, request: Request) -> str:
        """Return the scheme. With one, REST framework replies 401 and not 403 to requests that are not signed in."""
        return "Token"


def read_secret(header: str) -> str | None:
    """Return the secret in an Authorization header; None if the header has another scheme.

    Raises TokenRefused (`malformed_token`).
    """
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() not in KEYWORDS:
        return None
    secret = rest.strip()
    if not secret or len(secret) > LONGEST_SECRET or not all("!" <= character <= "~" for character in secret):
        raise TokenRefused(TokenRefusalReason.MALFORMED)
    return secret


def sign_in(secret: str, address: str = "") -> tuple[User, APIToken | DerivedKey]:
    """Return whom an API token or a derived key signs in, and the token or key. Raises TokenRefused."""
    check = derived_keys.check_of(secret)
    return check_token(secret, address) if check is None else check(secret)


def check_reach(credential: APIToken | DerivedKey, match: ResolverMatch | None, method: str) -> None:
    """Raise Refused (`scope_missing`, 403) unless the token or key reaches the route that was found."""
    route = match.route if match else None
    if isinstance(credential, APIToken):
        scope_checks.check_route(credential, route, method)
        return
    plain = None if route is None else scope_checks.without_version(route)
    credential.check_reach(plain, match.kwargs if match else {}, method)


def check_token(secret: str, address: str = "") -> tuple[User, APIToken]:
    """Return the owner of a secret and the token, and save that it was used, and from where. Raises TokenRefused.

    The owner counts as an administrator only if the token has the scope `admin`.
    """
    digest = hashlib.sha256(secret.encode()).hexdigest()
    token = APIToken.objects.select_related("owner").filter(digest=digest).first()
    if token is None:
        raise TokenRefused(TokenRefusalReason.INVALID)
    now = timezone.now()
    if token.ended_at is not None:
        raise TokenRefused(TokenRefusalReason.ENDED)
    if token.expires_at is not None and token.expires_at <= now:
        raise TokenRefused(TokenRefusalReason.EXPIRED)
    if not token.owner.is_active:
        raise TokenRefused(TokenRefusalReason.USER_INACTIVE)
    note_use(token, address)
    token.owner.without_administration = TokenScope.ADMIN.value not in token.scopes
    return token.owner, token


def note_use(token: APIToken, address: str = "") -> None:
    """Save when and from where the token was last used, at most once a minute across all processes."""
    now = timezone.now()
    if token.last_used_at is not None and token.last_used_at > now - LAST_USED_STEP:
        return
    due = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - LAST_USED_STEP)
    if APIToken.objects.filter(due, pk=token.pk).update(last_used_at=now, last_used_from=address or None):
        token.last_used_at, token.last_used_from = now, address or None
