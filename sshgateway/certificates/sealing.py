"""Encrypt what the database must not hold in clear, under the portal's secret.

The key is derived from SECRET_KEY (HKDF, its own info string), so it protects a copied database or backup,
not a machine somebody has taken over. After a change of SECRET_KEY keep the old one in
SECRET_KEY_FALLBACKS.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

INFO = b"headnode sshgateway sealing v1"


class Unsealable(Exception):
    """What was sealed cannot be read with the secrets at hand."""


def seal(secret: bytes) -> str:
    """Encrypt under the present SECRET_KEY."""
    return _keys().encrypt(secret).decode("ascii")


def unseal(sealed: str) -> bytes:
    """Decrypt what `seal` made, under the present secret or an earlier one."""
    try:
        return _keys().decrypt(sealed.encode("ascii"))
    except InvalidToken:
        raise Unsealable(
            "The certificate authority's key cannot be decrypted: HEADNODE_SECRET_KEY is not the one it was stored "
            "under. Put the earlier secret into HEADNODE_SECRET_KEY_FALLBACKS."
        ) from None


def _keys() -> MultiFernet:
    return MultiFernet([_derive(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _derive(secret: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=INFO).derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
