"""Encrypt secrets that are stored in the database, with a key derived from the portal's SECRET_KEY (HKDF).

This protects a copied database or backup, not a machine that somebody has taken over. After a change of SECRET_KEY
keep the old one in SECRET_KEY_FALLBACKS. Each purpose has keys of its own.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class Unsealable(Exception):
    """A sealed secret cannot be decrypted with SECRET_KEY or any of its fallbacks."""


def seal(secret: bytes, purpose: bytes) -> str:
    """Encrypt with the current SECRET_KEY."""
    return _keys(purpose).encrypt(secret).decode("ascii")


def unseal(sealed: str, purpose: bytes) -> bytes:
    """Decrypt what `seal` returned, with the current SECRET_KEY or a fallback. Raises Unsealable."""
    try:
        return _keys(purpose).decrypt(sealed.encode("ascii"))
    except InvalidToken:
        raise Unsealable(
            "A stored secret cannot be decrypted: HEADNODE_SECRET_KEY is not the one it was stored under. "
            "Put the earlier secret into HEADNODE_SECRET_KEY_FALLBACKS."
        ) from None


def _keys(purpose: bytes) -> MultiFernet:
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return MultiFernet([_derive(secret, purpose) for secret in secrets])


def _derive(secret: str, purpose: bytes) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
