"""The portal's two certificate authorities: one signs certificates for people, the other for nodes.

`ensure_authorities` makes the first keys (`manage.py migrate` calls it), `sshgateway.certificates.rotation` the later
ones; everything else here only reads. A private key exists in clear only within one call; it is never logged, returned
or stored.
"""

import ipaddress
import secrets
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import NoReturn

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
from django.db import DEFAULT_DB_ALIAS, IntegrityError, transaction
from django.utils import timezone

from sshgateway.certificates.sealing import seal, unseal
from sshgateway.models import AuthorityKey
from sshgateway.ssh import host_keys

USER_LIFETIME = timedelta(seconds=60)
HOST_LIFETIME = timedelta(hours=24)
# How far a node's clock may be behind the portal's: certificates are valid from this long before they are issued.
CLOCK_SKEW = timedelta(minutes=5)


class AuthorityMissing(Exception):
    """The database has no key for an authority."""


def ensure_authorities(model: type[AuthorityKey] = AuthorityKey, using: str = DEFAULT_DB_ALIAS) -> None:
    """Make the first key of each authority that has none. Safe to repeat, and safe in several processes at once.

    `model` is AuthorityKey as a migration knows it, `using` the database alias.
    """
    for kind in AuthorityKey.Kind.values:
        if model.objects.using(using).filter(kind=kind).exists():
            continue
        # Another process may have made one meanwhile: a constraint in the database keeps the first.
        with suppress(IntegrityError), transaction.atomic(using=using):
            model.objects.using(using).create(kind=kind, **new_key_fields())


def user_authority_lines() -> list[str]:
    """Return the public keys that nodes trust for logins by certificate, oldest first: several during a rotation.

    Raises AuthorityMissing.
    """
    return [key.public_key for key in published_keys(AuthorityKey.Kind.USER)]


def host_authority_lines(patterns: str) -> list[str]:
    """Return the known_hosts lines that make ssh trust every node whose name or address matches `patterns`.

    Oldest first; several during a rotation. Raises AuthorityMissing.
    """
    return [f"@cert-authority {patterns} {key.public_key}" for key in published_keys(AuthorityKey.Kind.HOST)]


def host_authority_fingerprint() -> str:
    """Return the fingerprint of the key that signs host certificates now. Raises AuthorityMissing."""
    return host_keys.fingerprint(signing_key(AuthorityKey.Kind.HOST).public_key)


def sign_user_certificate(
    public_key: str,
    principal: str,
    lifetime: timedelta = USER_LIFETIME,
    source_addresses: Iterable[str] = (),
    key_id: str = "headnode",
    permits_pty: bool = False,
) -> str:
    """Return a certificate, as one OpenSSH line, with which the holder of `public_key` may log in as `principal`.

    It is valid from `CLOCK_SKEW` before now until `lifetime` after now and, with `source_addresses` (addresses or
    CIDRs), only from these. It allows commands and SFTP, with `permits_pty` a terminal, and no forwarding of any kind.
    `key_id` appears in the node's log: name whom or what it is for, never a secret. Raises AuthorityMissing.
    """
    builder = _builder(public_key, SSHCertificateType.USER, [principal], lifetime, key_id)
    if permits_pty:
        builder = builder.add_extension(b"permit-pty", b"")
    networks = [str(ipaddress.ip_network(address)) for address in source_addresses]
    if networks:
        builder = builder.add_critical_option(b"source-address", ",".join(networks).encode())
    return _sign(builder, AuthorityKey.Kind.USER)


def sign_host_certificate(
    host_key_line: str, principals: Iterable[str], lifetime: timedelta = HOST_LIFETIME, key_id: str = ""
) -> str:
    """Return a host certificate, as one OpenSSH line: the holder of this host key is the node of these names.

    Valid from `CLOCK_SKEW` before now until `lifetime` after now. Raises AuthorityMissing.
    """
    names = list(principals)
    builder = _builder(host_key_line, SSHCertificateType.HOST, names, lifetime, key_id or ",".join(names))
    return _sign(builder, AuthorityKey.Kind.HOST)


def _builder(
    line: str, kind: SSHCertificateType, principals: list[str], lifetime: timedelta, key_id: str
) -> SSHCertificateBuilder:
    if not principals or not all(principals):
        # OpenSSH accepts a certificate without principals for every name.
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
    private_key = Ed25519PrivateKey.from_private_bytes(unseal(signing_key(kind).private_key_encrypted))
    return builder.sign(private_key).public_bytes().decode("ascii")


def published_keys(kind: AuthorityKey.Kind) -> list[AuthorityKey]:
    """Return the keys whose signatures are trusted now, oldest first. Raises AuthorityMissing if there are none.

    A key that is published already and signs later is among them.
    """
    keys = AuthorityKey.objects.filter(kind=kind).exclude(trusted_until__lte=timezone.now())
    return list(keys.order_by("id")) or _raise_missing(kind)


def signing_key(kind: AuthorityKey.Kind) -> AuthorityKey:
    """Return the key that signs now. Raises AuthorityMissing."""
    keys = AuthorityKey.objects.filter(kind=kind)
    key = keys.filter(signs_from__lte=timezone.now()).order_by("-signs_from", "-id").first()
    # The process that made the first key may have a clock ahead of ours: the first key always signs.
    return key or keys.order_by("id").first() or _raise_missing(kind)


def _raise_missing(kind: AuthorityKey.Kind) -> NoReturn:
    raise AuthorityMissing(f"The portal has no {kind} authority. Run: manage.py migrate")


def new_key_fields() -> dict[str, str]:
    """Return the fields of a row with a fresh Ed25519 key; the private key is sealed."""
    private_key = Ed25519PrivateKey.generate()
    raw = private_key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    public = private_key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return {"public_key": public.decode("ascii"), "private_key_encrypted": seal(raw)}
