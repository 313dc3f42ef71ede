"""Create and revoke a user's API tokens."""

import hashlib
import secrets
from datetime import datetime

from django.db import transaction

from accounts.audit.actions import AccountsAuditAction
from accounts.audit.trail import Actor, record
from accounts.models import APIToken, User
from accounts.refusal_reasons import RefusalReason
from accounts.refusals import Refused
from accounts.services.input_checks import check_expiry, clean_name

MAX_TOKENS = 50
TOKEN_PREFIX = "hn_"  # noqa: S105 (public: people and secret scanners recognise our tokens by it)


def create_api_token(
    actor: Actor, owner: User, name: str, expires_at: datetime | None = None
) -> tuple[APIToken, str]:
    """Create a token with all rights of `owner`. Return it with its secret, which cannot be read again.

    Raises Refused: `name_invalid`, `expiry_past`, `too_many_tokens`.
    """
    name = clean_name(name)
    if not name:
        raise Refused(
            RefusalReason.NAME_INVALID, "Give the token a name, for example the program's.", field="name"
        )
    check_expiry(expires_at)
    if owner.api_tokens.count() >= MAX_TOKENS:
        raise Refused(
            RefusalReason.TOO_MANY_TOKENS,
            f"You have {MAX_TOKENS} tokens, the most allowed. Revoke one first.",
        )
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        token = APIToken.objects.create(
            owner=owner,
            name=name,
            digest=hashlib.sha256(secret.encode()).hexdigest(),
            prefix=secret[:8],
            expires_at=expires_at,
        )
        action = AccountsAuditAction.API_TOKEN_ADDED
        record(actor, action, "api_token", token.pk, owner=owner, after={"name": name})
    return token, secret


def revoke_api_token(actor: Actor, token: APIToken) -> None:
    """Delete a token. It is refused from the next request on."""
    with transaction.atomic():
        action, before = AccountsAuditAction.API_TOKEN_REVOKED, {"name": token.name}
        record(actor, action, "api_token", token.pk, owner=token.owner, before=before)
        token.delete()
