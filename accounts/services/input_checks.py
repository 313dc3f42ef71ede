"""Validate names and expiry dates that users enter; shared by several services."""

from datetime import datetime

from django.utils import timezone

from accounts.keys.key_material import KeyMaterial, key_material_in
from accounts.refusal_reasons import RefusalReason
from accounts.refusals import Refused

PRIVATE_KEY_IN_NAME = (
    "This looks like a private key. It was not saved. Never give it to anyone: a private key belongs in no field here. "
    "If it has been anywhere but on your own computer, create a new pair."
)
PUBLIC_KEY_IN_NAME = (
    "This is a public key, not a name. Paste it in the field “Public key” of Job Settings, and write a short name such "
    "as “Laptop” here."
)


def clean_name(value: str, field: str = "name", limit: int = 100) -> str:
    """Return the name trimmed, with single spaces.

    Raises Refused: `name_invalid` if it is unprintable or too long; `name_private_key`, `name_public_key` if a key was
    pasted into this field. The text itself is in no message.
    """
    name = " ".join(value.split()) if isinstance(value, str) else ""
    material = key_material_in(name)
    if material is KeyMaterial.PRIVATE:
        raise Refused(RefusalReason.NAME_PRIVATE_KEY, PRIVATE_KEY_IN_NAME, field=field)
    if material is KeyMaterial.PUBLIC:
        raise Refused(RefusalReason.NAME_PUBLIC_KEY, PUBLIC_KEY_IN_NAME, field=field)
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
