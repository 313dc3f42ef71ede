"""The authorities: made once, sealed at rest, and their certificates as OpenSSH reads them."""

import base64
import re
import subprocess
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings
from django.db import connection, connections

from sshgateway.certificates import authorities
from sshgateway.certificates.sealing import Unsealable, unseal
from sshgateway.models import AuthorityKey

pytestmark = pytest.mark.django_db(transaction=True)


def _read(certificate: str, folder: Path) -> str:
    path = folder / "certificate"
    path.write_text(certificate + "\n")
    return subprocess.run(["ssh-keygen", "-L", "-f", path], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def public_key(make_key) -> str:
    return Path(f"{make_key()}.pub").read_text()


def test_both_are_made_once() -> None:
    first = authorities.user_authority_lines()
    assert first == authorities.user_authority_lines()
    assert authorities.host_authority_lines("*.x") == authorities.host_authority_lines("*.x")
    assert AuthorityKey.objects.count() == 2
    assert first[0] not in authorities.host_authority_lines("*.x")[0]


def test_makers_that_race_agree() -> None:
    """Eight at once, as when all processes of a fresh portal start together."""
    start, found = threading.Barrier(8), []

    def make() -> None:
        start.wait()
        try:
            found.append(authorities.user_authority_lines()[0])
        finally:
            connections.close_all()

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 8
    assert len(set(found)) == 1
    assert AuthorityKey.objects.count() == 1


def test_the_database_holds_no_private_key_in_clear() -> None:
    authorities.user_authority_lines()
    key = AuthorityKey.objects.get()
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


def test_another_secret_cannot_open_it(settings) -> None:
    authorities.user_authority_lines()
    before = settings.SECRET_KEY
    settings.SECRET_KEY = "another-secret-0123456789abcdefghijklmnopq"
    sealed = AuthorityKey.objects.get().private_key_encrypted
    with pytest.raises(Unsealable, match="HEADNODE_SECRET_KEY_FALLBACKS"):
        unseal(sealed)
    settings.SECRET_KEY_FALLBACKS = [before]
    assert unseal(sealed)


def test_a_user_certificate(public_key: str, tmp_path: Path) -> None:
    certificate = authorities.sign_user_certificate(
        public_key,
        "uprod_Ab12cd",
        timedelta(seconds=60),
        ["10.0.0.0/8", "192.0.2.7"],
        key_id="alice job:Ab12cd",
    )
    seen = _read(certificate, tmp_path)
    assert "user certificate" in seen
    assert 'Key ID: "alice job:Ab12cd"' in seen
    assert "source-address 10.0.0.0/8,192.0.2.7/32" in seen
    assert "permit-pty" in seen
    assert re.search(r"Principals:\s+uprod_Ab12cd\n", seen)
    assert "Valid: from" in seen


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
