"""Encrypt the authorities' private keys that are stored in the database (`accounts.sealing`)."""

from accounts import sealing
from accounts.sealing import Unsealable

PURPOSE = b"headnode sshgateway sealing v1"

__all__ = ["Unsealable", "seal", "unseal"]


def seal(secret: bytes) -> str:
    """Encrypt with the current SECRET_KEY."""
    return sealing.seal(secret, PURPOSE)


def unseal(sealed: str) -> bytes:
    """Decrypt what `seal` returned, with the current SECRET_KEY or a fallback. Raises Unsealable."""
    try:
        return sealing.unseal(sealed, PURPOSE)
    except Unsealable:
        raise Unsealable(
            "The certificate authority's key cannot be decrypted: HEADNODE_SECRET_KEY is not the one it was stored "
            "under. Put the earlier secret into HEADNODE_SECRET_KEY_FALLBACKS."
        ) from None
