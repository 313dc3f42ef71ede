"""Create and end a user's API tokens."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.audit.actions import AccountsAuditAction
from accounts.audit.trail import Actor, record
from accounts.models import APIToken, User
from accounts.refusal_reasons import RefusalReason
from accounts.refusals import Refused
from accounts.services.input_checks import check_expiry, clean_name
from accounts.token_scopes import TokenScope, all_scopes, ordered

MAX_TOKENS = 50
TOKEN_PREFIX = "hn_"  # noqa: S105 (public: people and secret scanners recognise our tokens by it)
DEFAULT_LIFE = timedelta(days=90)
# How long it is remembered that a token was ended, to tell its program so.
ENDED_KEPT = timedelta(days=30)
# Until the end of a day that is chosen by its date, whatever the hour and the place.
SLACK = timedelta(days=1)


class ByDefault:
    """The type of BY_DEFAULT: nobody said when the token expires."""


BY_DEFAULT = ByDefault()


def longest_token_life() -> timedelta | None:
    """Return how long a token may live by the administrator's setting; None if it may never expire."""
    return settings.HEADNODE_TOKEN_LONGEST_LIFE or None


def default_token_life() -> timedelta:
    """Return how long a token lives for which nothing else was chosen."""
    longest = longest_token_life()
    return DEFAULT_LIFE if longest is None else min(DEFAULT_LIFE, longest)


def create_api_token(
    actor: Actor,
    owner: User,
    name: str,
    expires_at: datetime | ByDefault | None = BY_DEFAULT,
    scopes: Iterable[str] | None = None,
) -> tuple[APIToken, str]:
    """Create a token with these scopes, or all. Return it with its secret, which cannot be read again.

    `expires_at` None is never. Raises Refused: `name_invalid`, `expiry_past`, `expiry_too_late`, `scopes_invalid`,
    `too_many_tokens`.
    """
    name = clean_name(name)
    if not name:
        raise Refused(
            RefusalReason.NAME_INVALID, "Give the token a name, for example the program's.", field="name"
        )
    expires_at = _checked_expiry(expires_at)
    scopes = _checked_scopes(scopes)
    if owner.api_tokens.good().count() >= MAX_TOKENS:
        raise Refused(
            RefusalReason.TOO_MANY_TOKENS,
            f"You have {MAX_TOKENS} tokens, the most allowed. End one first.",
        )
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        token = APIToken.objects.create(
            owner=owner,
            name=name,
            digest=hashlib.sha256(secret.encode()).hexdigest(),
            prefix=secret[:8],
            scopes=scopes,
            expires_at=expires_at,
        )
        action = AccountsAuditAction.API_TOKEN_ADDED
        after = {"name": name, "scopes": scopes, "expires_at": expires_at and expires_at.isoformat()}
        record(actor, action, "api_token", token.pk, owner=owner, after=after)
    return token, secret


def end_api_token(actor: Actor, token: APIToken) -> None:
    """End a token. It is refused from the next request on, and what it holds open closes within seconds.

    Ending it twice is the same as once.
    """
    now = timezone.now()
    with transaction.atomic():
        if not APIToken.objects.filter(pk=token.pk, ended_at=None).update(ended_at=now):
            return
        action, before = AccountsAuditAction.API_TOKEN_REVOKED, {"name": token.name}
        record(actor, action, "api_token", token.pk, owner=token.owner, before=before)
    token.ended_at = now


def delete_long_ended_tokens() -> int:
    """Delete the rows of tokens that ended or expired long ago. Return how many."""
    before = timezone.now() - ENDED_KEPT
    ended = APIToken.objects.filter(ended_at__lt=before) | APIToken.objects.filter(expires_at__lt=before)
    return ended.delete()[0]


def _checked_expiry(expires_at: datetime | ByDefault | None) -> datetime | None:
    now, longest = timezone.now(), longest_token_life()
    if isinstance(expires_at, ByDefault):
        return now + default_token_life()
    check_expiry(expires_at)
    if longest is not None and (expires_at is None or expires_at > now + longest + SLACK):
        raise Refused(
            RefusalReason.EXPIRY_TOO_LATE,
            f"A token may be good for {longest.days} days at most here. Choose an earlier date.",
            field="expires_at",
        )
    return expires_at


def _checked_scopes(scopes: Iterable[str] | None) -> list[str]:
    if scopes is None:
        return all_scopes()
    chosen = list(scopes)
    if not chosen or not set(chosen) <= set(all_scopes()):
        raise Refused(
            RefusalReason.SCOPES_INVALID,
            f"Choose one or more of these scopes: {', '.join(TokenScope)}.",
            field="scopes",
        )
    return ordered(chosen)
