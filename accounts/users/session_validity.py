"""Whether what a websocket was opened with is still good: it stays open long after its one handshake.

A token may be revoked meanwhile, a person may sign out or change their password. Consumers keep the credential of
their handshake and ask again whenever they deliver.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.models import APIToken, User


@dataclass(frozen=True)
class Credential:
    """A token's row or a browser's session. Only in memory, never in a log."""

    token_id: int | None = None
    session_key: str | None = field(default=None, repr=False)


NO_CREDENTIAL = Credential()
# What was answered so far in this look at many websockets.
_answers: ContextVar[dict[tuple[int, Credential], bool] | None] = ContextVar("answers", default=None)


def credential_of(scope: Mapping[str, Any]) -> Credential:
    """What `accounts.users.websocket_authentication` let this scope in with. NO_CREDENTIAL when it holds neither."""
    token: APIToken | None = scope.get("api_token")
    if token is not None:
        return Credential(token_id=token.pk)
    session = scope.get("session")
    return Credential(session_key=session.session_key if session is not None else None)


@contextmanager
def asked_once() -> Iterator[None]:
    """Within it the same question is asked of the database once."""
    token = _answers.set({})
    try:
        yield
    finally:
        _answers.reset(token)


def still_good(user_id: int, credential: Credential) -> bool:
    """Whether the person could be let in with it now; NO_CREDENTIAL lets nobody in. Asks the database."""
    known = _answers.get()
    if known is None:
        return _is_good(user_id, credential)
    question = (user_id, credential)
    if question not in known:
        known[question] = _is_good(user_id, credential)
    return known[question]


def _is_good(user_id: int, credential: Credential) -> bool:
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return False
    if credential.token_id is not None:
        token = APIToken.objects.filter(pk=credential.token_id, owner=user).first()
        return token is not None and (token.expires_at is None or token.expires_at > timezone.now())
    return credential.session_key is not None and _is_session_of(user, credential.session_key)


def _is_session_of(user: User, session_key: str) -> bool:
    """Signing out removes the session; another password makes its hash a wrong one."""
    saved = import_module(settings.SESSION_ENGINE).SessionStore(session_key).load()
    if saved.get(SESSION_KEY) != str(user.pk):
        return False
    shown = saved.get(HASH_SESSION_KEY, "")
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(shown, known) for known in hashes)
