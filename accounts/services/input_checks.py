"""Validate names and expiry dates that users enter; shared by several services."""

from datetime import datetime

from django.utils import timezone

from accounts.refusal_reasons import RefusalReason
from accounts.refusals import Refused


def clean_name(value: str, field: str = "name", limit: int = 100) -> str:
    """Return the name trimmed, with single spaces. Raises Refused (`name_invalid`) if unprintable or too long."""
    name = " ".join(value.split()) if isinstance(value, str) else ""
    if not name.isprintable() or len(name) > limit:
        raise Refused(
            RefusalReason.NAME_INVALID,
            f"A name has at most {limit} characters, all of them printable.",
            field=field,
        )
    return name


def check_expiry(expires_at: datetime | None) -> None:
    """Raise Refused (`expiry_past`) unless the time is in the future or None (never)."""
    if expires_at is not None and expires_at <= timezone.now():
        raise Refused(RefusalReason.EXPIRY_PAST, "The expiry must lie in the future.", field="expires_at")
