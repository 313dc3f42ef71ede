"""The authorities: made by `migrate`, sealed at rest; their certificates, as OpenSSH reads them."""

import base64
import re
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    SSHCertificate,
    SSHCertificateType,
    load_ssh_private_key,
    load_ssh_public_identity,
)
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from sshgateway.certificates import authorities
from sshgateway.certificates.authorities import AuthorityMissing
from sshgateway.certificates.credentials import issue_credential
from sshgateway.certificates.sealing import Unsealable, unseal
from sshgateway.models import AuthorityKey
from tests.waiting import LIMIT

pytestmark = pytest.mark.django_db(transaction=True)


def _read(certificate: str, folder: Path) -> str:
    path = folder / "certificate"
    path.write_text(certificate + "\n")
    return subprocess.run(["ssh-keygen", "-L", "-f", path], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def public_key(make_key: Callable[..., Path]) -> str:
    return Path(f"{make_key()}.pub").read_text()


def test_a_migrated_database_has_both() -> None:
    assert set(AuthorityKey.objects.values_list("kind", flat=True)) == {"host", "user"}
    (user_line,) = authorities.user_authority_lines()
    (host_line,) = authorities.host_authority_lines("*.x")
    assert user_line not in host_line


def test_migrating_again_keeps_them_and_makes_those_that_are_missing() -> None:
    before = authorities.user_authority_lines()
    AuthorityKey.objects.filter(kind="host").delete()
    call_command("migrate", verbosity=0)
    assert authorities.user_authority_lines() == before
    assert AuthorityKey.objects.filter(kind="host").count() == 1


READS: list[Callable[[], object]] = [
    authorities.user_authority_lines,
    lambda: authorities.host_authority_lines("*.x"),
    authorities.host_authority_fingerprint,
    lambda: authorities.signing_key(AuthorityKey.Kind.USER),
    lambda: authorities.published_keys(AuthorityKey.Kind.HOST),
]


@pytest.mark.parametrize("read", READS)
def test_reading_writes_nothing(read: Callable[[], object]) -> None:
    with CaptureQueriesContext(connection) as queries:
        read()
    assert queries.captured_queries
    assert all(query["sql"].startswith("SELECT") for query in queries.captured_queries)


@pytest.mark.parametrize("read", READS)
def test_reading_makes_no_key_where_there_is_none(read: Callable[[], object]) -> None:
    AuthorityKey.objects.all().delete()
    with pytest.raises(AuthorityMissing, match=r"manage\.py migrate"):
        read()
    assert not AuthorityKey.objects.exists()


def test_signing_makes_no_key_where_there_is_none(public_key: str) -> None:
    AuthorityKey.objects.all().delete()
    with pytest.raises(AuthorityMissing):
        authorities.sign_user_certificate(public_key, "sim")
    assert not AuthorityKey.objects.exists()


def test_makers_that_race_agree() -> None:
    """Eight at once, as when all processes of a fresh portal start together."""
    AuthorityKey.objects.all().delete()
    start, found = threading.Barrier(8), []

    def make() -> None:
        start.wait()
        try:
            authorities.ensure_authorities()
            found.append(authorities.user_authority_lines()[0])
        finally:
            connections.close_all()

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert len(found) == 8
    assert len(set(found)) == 1
    assert AuthorityKey.objects.count() == 2


def test_the_database_holds_no_private_key_in_clear() -> None:
    key = AuthorityKey.objects.get(kind="user")
    raw = unseal(key.private_key_encrypted)
    private = Ed25519PrivateKey.from_private_bytes(raw)
    forms = [
        raw,
        raw.hex().encode(),
        base64.b64encode(raw).rstrip(b"="),
        *(
            private.private_bytes(encoding, form, NoEncryption())
            for encoding, form in [(Encoding.PEM, PrivateFormat.OpenSSH), (Encoding.DER, PrivateFormat.PKCS8)]
        ),
    ]
    content = stored()
    assert key.public_key.encode() in content, "this is what is stored"
    for form in forms:
        assert form not in content
    assert b"PRIVATE KEY" not in content


def stored() -> bytes:
    """What the database keeps: its file, or the table as PostgreSQL writes it out."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return Path(settings.DATABASES["default"]["NAME"]).read_bytes()
        cursor.execute("SELECT row_to_json(t)::text FROM sshgateway_authoritykey t")
        return "\n".join(row[0] for row in cursor.fetchall()).encode()


def test_another_secret_cannot_open_it(settings: Settings) -> None:
    before = settings.SECRET_KEY
    settings.SECRET_KEY = "another-secret-0123456789abcdefghijklmnopq"
    sealed = AuthorityKey.objects.get(kind="user").private_key_encrypted
    with pytest.raises(Unsealable, match="HEADNODE_SECRET_KEY_FALLBACKS"):
        unseal(sealed)
    settings.SECRET_KEY_FALLBACKS = [before]
    assert unseal(sealed)


def _load(certificate: str) -> SSHCertificate:
    loaded = load_ssh_public_identity(certificate.encode())
    assert isinstance(loaded, SSHCertificate)
    loaded.verify_cert_signature()
    return loaded


def test_a_user_certificate(public_key: str, tmp_path: Path) -> None:
    certificate = authorities.sign_user_certificate(
        public_key,
        "uprod_Ab12cd",
        timedelta(seconds=60),
        ["10.0.0.0/8", "192.0.2.7"],
        key_id="alice job:Ab12cd",
    )
    loaded = _load(certificate)
    assert loaded.type is SSHCertificateType.USER
    assert loaded.key_id == b"alice job:Ab12cd"
    assert loaded.valid_principals == [b"uprod_Ab12cd"]
    assert loaded.critical_options == {b"source-address": b"10.0.0.0/8,192.0.2.7/32"}
    assert "source-address 10.0.0.0/8,192.0.2.7/32" in _read(certificate, tmp_path)


def _span_of(certificate: SSHCertificate, issued_between: tuple[float, float]) -> tuple[int, int]:
    """Return the whole validity, and how much of it lies before the issuing, in seconds."""
    before, after = issued_between
    backwards = int(before) - certificate.valid_after
    assert 0 <= int(after) - certificate.valid_after - backwards <= after - before + 1
    return certificate.valid_before - certificate.valid_after, backwards


def test_the_gateways_certificate_is_valid_for_a_minute_and_allows_what_a_terminal_needs(
    settings: Settings,
) -> None:
    settings.HEADNODE_GATEWAY_ADDRESSES = ["192.0.2.7", "2001:db8::7"]
    before = time.time()
    credential = issue_credential(
        "uprod_Ab12cd", for_whom="alice job:Ab12cd terminal", target="203.0.113.5", permits_pty=True
    )
    certificate = _load(credential.certificate)
    span, backwards = _span_of(certificate, (before, time.time()))
    assert span == 5 * 60 + 60, "five minutes for clocks that are behind, one minute to log in"
    assert backwards in (299, 300)
    assert certificate.type is SSHCertificateType.USER
    assert certificate.valid_principals == [b"uprod_Ab12cd"]
    assert certificate.key_id == b"alice job:Ab12cd terminal"
    assert certificate.critical_options == {b"source-address": b"192.0.2.7/32,2001:db8::7/128"}
    assert certificate.extensions == {b"permit-pty": b""}
    key = load_ssh_private_key(credential.private_key.encode(), None)
    assert certificate.public_key() == key.public_key()


def test_the_workers_certificate_allows_commands_and_nothing_else() -> None:
    certificate = _load(issue_credential("uprod_Ab12cd", for_whom="headnode job:Ab12cd").certificate)
    assert certificate.extensions == {}


@pytest.mark.parametrize("seconds", [1, 60, 3600])
def test_a_user_certificate_lasts_as_long_as_was_asked(public_key: str, seconds: int) -> None:
    before = time.time()
    text = authorities.sign_user_certificate(public_key, "sim", timedelta(seconds=seconds))
    span, _ = _span_of(_load(text), (before, time.time()))
    assert span == 300 + seconds


def test_a_host_certificate_is_valid_for_a_day_and_carries_no_options(public_key: str) -> None:
    before = time.time()
    certificate = _load(
        authorities.sign_host_certificate(public_key, ["job-ab12cd.headnode.local", "10.0.0.5"])
    )
    span, _ = _span_of(certificate, (before, time.time()))
    assert span == 300 + 24 * 3600
    assert certificate.valid_principals == [b"job-ab12cd.headnode.local", b"10.0.0.5"]
    assert (certificate.critical_options, certificate.extensions) == ({}, {})


def test_a_host_certificate(public_key: str, tmp_path: Path) -> None:
    seen = _read(authorities.sign_host_certificate(public_key, ["job-Ab12cd.headnode.local"]), tmp_path)
    assert "host certificate" in seen
    assert "job-Ab12cd.headnode.local" in seen
    assert "Extensions: (none)" in seen


@pytest.mark.parametrize("principals", [[], [""]])
def test_never_a_certificate_for_everybody(public_key: str, principals: list[str]) -> None:
    with pytest.raises(ValueError, match="principal"):
        authorities.sign_host_certificate(public_key, principals)


def test_serials_differ(public_key: str, tmp_path: Path) -> None:
    texts = [_read(authorities.sign_user_certificate(public_key, "x"), tmp_path) for _ in range(3)]
    assert len({re.findall(r"Serial: (\d+)", text)[0] for text in texts}) == 3


def test_the_known_hosts_line() -> None:
    (line,) = authorities.host_authority_lines("*.headnode.local")
    assert re.fullmatch(r"@cert-authority \*\.headnode\.local ssh-ed25519 [A-Za-z0-9+/=]+", line)
