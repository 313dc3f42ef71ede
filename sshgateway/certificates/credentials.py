"""Issue the gateway's login credential: a new key pair and a one-minute certificate for each connection."""

from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from sshgateway.certificates import authorities
from sshgateway.ssh.credential import Credential

__all__ = ["Credential", "issue_credential"]


def issue_credential(
    principal: str, *, for_whom: str, lifetime: timedelta = authorities.USER_LIFETIME
) -> Credential:
    """Return a fresh credential for `principal`; `for_whom` is what the node's log will show. Reads the database."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode("ascii")
    return Credential(pem, authorities.sign_user_certificate(public, principal, lifetime, key_id=for_whom))
