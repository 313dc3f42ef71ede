"""Sign a program in by a short code that a user confirms on a page, as in RFC 8628."""

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.audit.actions import AccountsAuditAction
from accounts.audit.trail import Actor, record
from accounts.models import APIToken, DeviceLogin, User
from accounts.refusal_reasons import RefusalReason
from accounts.refusals import Refused
from accounts.services.api_tokens import create_api_token, default_token_life
from accounts.services.input_checks import clean_name

# Without vowels, so that no code is a word, and without letters that look like digits.
ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
LIFE = timedelta(minutes=10)
KEPT = timedelta(days=1)
# One computer room behind one address may sign in together; a program that asks for ever may not.
MOST_PENDING = 50


def start_device_login(client_name: str, source_address: str | None) -> tuple[DeviceLogin, str]:
    """Save that a program asks to be signed in. Return the row, and the device code that fetches the token.

    Raises Refused: `name_invalid`, `too_many_logins` (429).
    """
    name = clean_name(client_name, "client") or "A program"
    now = timezone.now()
    DeviceLogin.objects.filter(expires_at__lt=now - KEPT).delete()
    pending = DeviceLogin.objects.filter(
        source_address=source_address, state=DeviceLogin.State.PENDING, expires_at__gt=now
    )
    if pending.count() >= MOST_PENDING:
        raise Refused(
            RefusalReason.TOO_MANY_LOGINS,
            "Too many sign-ins wait for confirmation from your address. Try again in ten minutes.",
            status=429,
        )
    device_code = secrets.token_urlsafe(32)
    row = DeviceLogin.objects.create(
        device_digest=_digest(device_code),
        user_code=_new_user_code(),
        client_name=name,
        source_address=source_address,
        expires_at=now + LIFE,
    )
    return row, device_code


def find_pending_login(typed: str) -> DeviceLogin:
    """Return the login whose code was typed, with or without its hyphen. Raises Refused (`user_code_unknown`)."""
    letters = "".join(character for character in typed.upper() if character in ALPHABET)
    code = f"{letters[:4]}-{letters[4:8]}"
    row = DeviceLogin.objects.filter(
        user_code=code, state=DeviceLogin.State.PENDING, expires_at__gt=timezone.now()
    ).first()
    if row is None or len(letters) != len(code) - 1:
        raise Refused(
            RefusalReason.USER_CODE_UNKNOWN,
            "No sign-in waits with this code. A code is good for ten minutes and for one sign-in: "
            "run headnode login again.",
            field="code",
        )
    return row


def decide_device_login(actor: Actor, owner: User, login: DeviceLogin, *, approve: bool) -> None:
    """Approve a login as `owner`, or deny it. Raises Refused (`user_code_unknown`) if it no longer waits."""
    states = DeviceLogin.State
    action = AccountsAuditAction.DEVICE_LOGIN_APPROVED if approve else AccountsAuditAction.DEVICE_LOGIN_DENIED
    with transaction.atomic():
        waiting = DeviceLogin.objects.filter(pk=login.pk, state=states.PENDING, expires_at__gt=timezone.now())
        if not waiting.update(state=states.APPROVED if approve else states.DENIED, owner=owner):
            find_pending_login("")  # raises: somebody else was faster, or it is too late
        after = {"name": login.client_name, "source_address": login.source_address}
        record(actor, action, "device_login", login.pk, owner=owner, after=after)


def redeem_device_login(device_code: str, source_address: str | None) -> tuple[APIToken, str]:
    """Create the token of an approved login, once. Return it with its secret.

    Raises Refused: `authorization_pending`, `access_denied`, `device_code_invalid`, `too_many_tokens`.
    """
    row = DeviceLogin.objects.select_related("owner").filter(device_digest=_digest(device_code)).first()
    now = timezone.now()
    if row is None or row.expires_at <= now or row.state == DeviceLogin.State.SPENT:
        raise Refused(
            RefusalReason.DEVICE_CODE_INVALID,
            "This sign-in is over or was never begun. Run headnode login again.",
        )
    if row.state == DeviceLogin.State.DENIED:
        raise Refused(RefusalReason.ACCESS_DENIED, "The sign-in was refused on the confirmation page.")
    owner = row.owner
    if row.state == DeviceLogin.State.PENDING or owner is None:
        raise Refused(
            RefusalReason.AUTHORIZATION_PENDING, "The sign-in waits for your confirmation on the page."
        )
    if not owner.is_active:
        raise Refused(RefusalReason.ACCESS_DENIED, "This account is not active.")
    with transaction.atomic():
        approved = DeviceLogin.objects.filter(pk=row.pk, state=DeviceLogin.State.APPROVED)
        if not approved.update(state=DeviceLogin.State.SPENT):
            raise Refused(RefusalReason.DEVICE_CODE_INVALID, "This sign-in was already used.")
        actor = Actor(owner, source_address, "api")
        return create_api_token(actor, owner, row.client_name, expires_at=now + default_token_life())


def _new_user_code() -> str:
    """Return a code that no kept row has; of 25,600,000,000 two are hardly ever the same."""
    while True:
        letters = "".join(secrets.choice(ALPHABET) for _ in range(8))
        code = f"{letters[:4]}-{letters[4:]}"
        if not DeviceLogin.objects.filter(user_code=code).exists():
            return code


def _digest(device_code: str) -> str:
    return hashlib.sha256(device_code.encode("utf-8", "replace")).hexdigest()
