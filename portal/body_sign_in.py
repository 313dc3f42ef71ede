"""Find out who sends a large body before it is read, as the API's views do once it was."""

import io
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.core.handlers.asgi import ASGIRequest
from django.http import QueryDict
from django.urls import Resolver404, resolve
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from starlette.types import Scope

from accounts import source_address
from accounts.models import User
from accounts.refusals import Refused
from accounts.users import token_authentication
from jobs.storage.upload_quota import UploadUse, use_of


@dataclass(frozen=True)
class Sender:
    """Who sends a body, and what their uploads hold and may hold."""

    person_id: int
    uploads: UploadUse


class NotSignedIn(Exception):
    """Raised for a request without a valid credential: 401, or 403 for a browser without its CSRF token."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message


async def identify(scope: Scope) -> Sender:
    """Return who sends a request. Raises NotSignedIn."""
    found: Sender = await database_sync_to_async(_identify)(scope)
    return found


def _identify(scope: Scope) -> Sender:
    request = ASGIRequest(dict(scope), io.BytesIO())
    # Nothing of the body is here yet: a CSRF token must come in its header, as docs/api.md says.
    request._post = QueryDict()  # type: ignore[attr-defined]  # where Django keeps the form that it has read
    user = _user_of_token(request) or _user_of_session(request)
    if user is None:
        raise NotSignedIn(401, NotAuthenticated.default_code, str(NotAuthenticated.default_detail))
    return Sender(user.pk, use_of(user))


def _user_of_token(request: ASGIRequest) -> User | None:
    """Return the owner of the request's token; None if it has none."""
    try:
        secret = token_authentication.read_secret(request.META.get("HTTP_AUTHORIZATION", ""))
        if secret is None:
            return None
        user, credential = token_authentication.sign_in(secret, source_address.source_address_of(request))
        with suppress(Resolver404):  # the view that is not there answers
            match = resolve(request.path_info)
            token_authentication.check_reach(credential, match, request.method or "")
        return user
    except Refused as refusal:  # also TokenRefused
        raise NotSignedIn(refusal.status, refusal.reason, refusal.message) from None


def _user_of_session(request: ASGIRequest) -> User | None:
    """Return who is signed in with the session cookie; None if nobody is."""
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if not key:
        return None
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(request)
    if not isinstance(user, User) or not user.is_active:
        return None
    try:
        SessionAuthentication().enforce_csrf(request)  # type: ignore[arg-type]  # it wants what both requests have
    except PermissionDenied as refusal:
        raise NotSignedIn(403, "csrf_failed", str(refusal.detail)) from None
    return user
