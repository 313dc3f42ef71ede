"""What the gateway logs in with: a key made for one connection and a certificate that lives for seconds."""

from dataclasses import dataclass, field
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from sshgateway.certificates import authorities


@dataclass(frozen=True)
class Credential:
    """A private key (OpenSSH PEM) and its certificate line. Kept out of every repr."""

    private_key: str = field(repr=False)
    certificate: str = field(repr=False)


def issue(principal: str, *, for_whom: str, lifetime: timedelta = authorities.USER_LIFETIME) -> Credential:
    """A fresh credential for `principal`; `for_whom` is what the node's log will show. Uses the database."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode("ascii")
    return Credential(pem, authorities.sign_user_certificate(public, principal, lifetime, key_id=for_whom))
