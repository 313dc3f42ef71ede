"""Issue the gateway's login credential: a new key pair and a one-minute certificate for each connection.

A certificate is bound to the gateway's own addresses and allows no more than its connection needs.
"""

from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from sshgateway.certificates import authorities
from sshgateway.certificates.source_binding import source_addresses_for
from sshgateway.ssh.credential import Credential

__all__ = ["Credential", "issue_credential"]


def issue_credential(
    principal: str,
    *,
    for_whom: str,
    target: str = "",
    lifetime: timedelta = authorities.USER_LIFETIME,
    permits_pty: bool = False,
) -> Credential:
    """Return a fresh credential for `principal`; `for_whom` is what the node's log will show. Reads the database.

    `target` is the address where it will be used (`source_binding`); `permits_pty` is needed for a terminal.
    """
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode("ascii")
    certificate = authorities.sign_user_certificate(
        public,
        principal,
        lifetime,
        source_addresses_for(target),
        key_id=for_whom,
        permits_pty=permits_pty,
    )
    return Credential(pem, certificate)
