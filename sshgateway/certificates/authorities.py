"""The portal's two certificate authorities: one vouches for people to nodes, one for nodes to people.

Each first key is made on first use, by whichever process comes first; later ones by `sshgateway.certificates.rotation`.
A private half exists in clear only inside one call; it is never logged, returned or stored.
"""

import ipaddress
import secrets
from collections.abc import Iterable
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    SSHCertificateBuilder,
    SSHCertificateType,
    load_ssh_public_key,
)
from django.db import IntegrityError, transaction
from django.utils import timezone

from sshgateway.certificates.sealing import seal, unseal
from sshgateway.models import AuthorityKey
from sshgateway.ssh import host_keys

USER_LIFETIME = timedelta(seconds=60)
HOST_LIFETIME = timedelta(hours=24)
# Nodes' clocks may be behind ours by this much.
CLOCK_SKEW = timedelta(minutes=5)
EXTENSIONS = (b"permit-X11-forwarding", b"permit-agent-forwarding", b"permit-port-forwarding", b"permit-pty")


def user_authority_lines() -> list[str]:
    """The public keys nodes trust for certificates of people and of the gateway: several during a rotation."""
    return [key.public_key for key in published(AuthorityKey.Kind.USER)]


def host_authority_lines(patterns: str) -> list[str]:
    """The known_hosts lines with which a person trusts every node whose name matches: several in a rotation."""
    return [f"@cert-authority {patterns} {key.public_key}" for key in published(AuthorityKey.Kind.HOST)]


def host_authority_fingerprint() -> str:
    """Which key signs host certificates now."""
    return host_keys.fingerprint(signer(AuthorityKey.Kind.HOST).public_key)


def sign_user_certificate(
    public_key: str,
    principal: str,
    lifetime: timedelta = USER_LIFETIME,
    source_addresses: Iterable[str] = (),
    key_id: str = "headnode",
) -> str:
    """Sign that the holder of `public_key` (an OpenSSH line) may log in as `principal`, for `lifetime`.

    `key_id` appears in the node's own log: name who or what it is for, never a secret. With
    `source_addresses` (addresses or CIDRs) the certificate works from nowhere else. Answers the certificate
    as one OpenSSH line.
    """
    builder = _builder(public_key, SSHCertificateType.USER, [principal], lifetime, key_id)
    for extension in EXTENSIONS:
        builder = builder.add_extension(extension, b"")
    networks = [str(ipaddress.ip_network(address)) for address in source_addresses]
    if networks:
        builder = builder.add_critical_option(b"source-address", ",".join(networks).encode())
    return _sign(builder, AuthorityKey.Kind.USER)


def sign_host_certificate(
    host_key_line: str, principals: Iterable[str], lifetime: timedelta = HOST_LIFETIME, key_id: str = ""
) -> str:
    """Sign that the holder of this host key is the node of the given names. Answers one OpenSSH line."""
    names = list(principals)
    builder = _builder(host_key_line, SSHCertificateType.HOST, names, lifetime, key_id or ",".join(names))
    return _sign(builder, AuthorityKey.Kind.HOST)


def _builder(
    line: str, kind: SSHCertificateType, principals: list[str], lifetime: timedelta, key_id: str
) -> SSHCertificateBuilder:
    if not principals or not all(principals):
        # OpenSSH takes a certificate without principals to be good for every name.
        raise ValueError("A certificate needs at least one principal.")
    now = timezone.now()
    public_key = load_ssh_public_key(line.encode())
    if not isinstance(public_key, Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey):
        raise ValueError("Certificates can be made for ed25519, ecdsa and rsa keys only.")
    return (
        SSHCertificateBuilder()
        .public_key(public_key)
        .serial(secrets.randbits(63))
        .type(kind)
        .key_id(key_id.encode())
        .valid_principals([name.encode() for name in principals])
        .valid_after(int((now - CLOCK_SKEW).timestamp()))
        .valid_before(int((now + lifetime).timestamp()))
    )


def _sign(builder: SSHCertificateBuilder, kind: AuthorityKey.Kind) -> str:
    private_key = Ed25519PrivateKey.from_private_bytes(unseal(signer(kind).private_key_encrypted))
    return builder.sign(private_key).public_bytes().decode("ascii")


def published(kind: AuthorityKey.Kind) -> list[AuthorityKey]:
    """The keys whose signatures count now, the oldest first: one that is to sign soon is among them."""
    signer(kind)
    keys = AuthorityKey.objects.filter(kind=kind).exclude(trusted_until__lte=timezone.now())
    return list(keys.order_by("id"))


def signer(kind: AuthorityKey.Kind) -> AuthorityKey:
    """The key that signs now. Made here if there is none; of two makers the database keeps the first."""
    keys = AuthorityKey.objects.filter(kind=kind)
    key = keys.filter(signs_from__lte=timezone.now()).order_by("-signs_from", "-id").first()
    # The clock of another process may be ahead of ours: then the first key of all is not from the future.
    key = key or keys.order_by("id").first()
    if key is not None:
        return key
    try:
        with transaction.atomic():
            return AuthorityKey.objects.create(kind=kind, **new_key())
    except IntegrityError:
        return AuthorityKey.objects.get(kind=kind, retired_at__isnull=True)


def new_key() -> dict[str, str]:
    """The key fields of a fresh row."""
    private_key = Ed25519PrivateKey.generate()
    raw = private_key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    public = private_key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return {"public_key": public.decode("ascii"), "private_key_encrypted": seal(raw)}
