"""Check that the credential of an open websocket is still valid, long after its handshake.

Meanwhile the token may be revoked, or the user may sign out or change the password. Consumers keep the credential of
their handshake and check it again before they deliver anything.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.utils.crypto import constant_time_compare

from accounts.models import APIToken, User


@dataclass(frozen=True)
class SignInCredential:
    """An API token or a browser session. Kept in memory only, never logged."""

    token_id: int | None = None
    session_key: str | None = field(default=None, repr=False)


NO_CREDENTIAL = SignInCredential()
# Answers found so far, within `cached_answers`.
_answers: ContextVar[dict[tuple[int, SignInCredential], bool] | None] = ContextVar("answers", default=None)


def credential_of(scope: Mapping[str, Any]) -> SignInCredential:
    """Return the credential that `websocket_authentication` accepted for this scope; NO_CREDENTIAL if none."""
    token: APIToken | None = scope.get("api_token")
    if token is not None:
        return SignInCredential(token_id=token.pk)
    session = scope.get("session")
    return SignInCredential(session_key=session.session_key if session is not None else None)


@contextmanager
def cached_answers() -> Iterator[None]:
    """Query the database once per user and credential inside this context, however many websockets share them."""
    token = _answers.set({})
    try:
        yield
    finally:
        _answers.reset(token)


def is_credential_valid(user_id: int, credential: SignInCredential) -> bool:
    """Return whether the user could sign in with the credential now. Queries the database."""
    known = _answers.get()
    if known is None:
        return _is_good(user_id, credential)
    key = (user_id, credential)
    if key not in known:
        known[key] = _is_good(user_id, credential)
    return known[key]


def _is_good(user_id: int, credential: SignInCredential) -> bool:
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return False
    if credential.token_id is not None:
        return APIToken.objects.good().filter(pk=credential.token_id, owner=user).exists()
    return credential.session_key is not None and _is_session_of(user, credential.session_key)


def _is_session_of(user: User, session_key: str) -> bool:
    """Return whether the user is signed in with this session. A changed password invalidates its hash."""
    saved = import_module(settings.SESSION_ENGINE).SessionStore(session_key).load()
    if saved.get(SESSION_KEY) != str(user.pk):
        return False
    session_hash = saved.get(HASH_SESSION_KEY, "")
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(session_hash, valid) for valid in hashes)
