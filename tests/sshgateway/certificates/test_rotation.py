"""Rotation of an authority's key: published, then signing; the old one is trusted for a while, then dropped."""

import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from accounts.audit.trail import SYSTEM
from accounts.models import AuditEvent
from accounts.refusals import Refused
from sshgateway.certificates import authorities, rotation
from sshgateway.certificates.sealing import Unsealable, unseal
from sshgateway.models import AuthorityKey
from sshgateway.signals import authority_rotated

pytestmark = pytest.mark.django_db(transaction=True)

HOST, USER = AuthorityKey.Kind.HOST, AuthorityKey.Kind.USER
WEEK = timedelta(days=7)


def _let_pass(kind: str, by: timedelta) -> None:
    """Move the key's times, as if `by` had passed."""
    for key in AuthorityKey.objects.filter(kind=kind):
        for name in ("signs_from", "retired_at", "trusted_until"):
            if getattr(key, name) is not None:
                setattr(key, name, getattr(key, name) - by)
        key.save()


def _keys(lines: list[str]) -> list[str]:
    return [line.split()[-1] for line in lines]


def _signed_by(certificate: str, folder: Path) -> str:
    path = folder / "certificate"
    path.write_text(certificate + "\n")
    seen = subprocess.run(["ssh-keygen", "-L", "-f", path], check=True, capture_output=True, text=True).stdout
    line = next(line for line in seen.splitlines() if "Signing CA" in line)
    return line.split()[3]


@pytest.fixture
def host_key(make_key: Callable[..., Path]) -> str:
    return Path(f"{make_key()}.pub").read_text()


def test_a_whole_change_without_a_gap(host_key: str, tmp_path: Path) -> None:
    def signs() -> str:
        return _signed_by(authorities.sign_host_certificate(host_key, ["x"]), tmp_path)

    (before,) = authorities.host_authority_lines("*.x")
    old = authorities.host_authority_fingerprint()
    fresh = rotation.rotate(SYSTEM, HOST)

    # Both lines are published; nothing else has changed.
    assert authorities.host_authority_lines("*.x") == [before, f"@cert-authority *.x {fresh.public_key}"]
    assert signs() == old == authorities.host_authority_fingerprint()

    # A week later the new key signs, and what the old one signed is still good.
    _let_pass(HOST, WEEK)
    new = authorities.host_authority_fingerprint()
    assert signs() == new != old
    assert len(authorities.host_authority_lines("*.x")) == 2

    # Another week later the old one is no longer published.
    _let_pass(HOST, WEEK)
    assert _keys(authorities.host_authority_lines("*.x")) == [fresh.public_key.split()[1]]
    assert signs() == new


def test_at_once(host_key: str, tmp_path: Path) -> None:
    old = authorities.host_authority_fingerprint()
    rotation.rotate(SYSTEM, HOST, lead=timedelta())
    assert _signed_by(authorities.sign_host_certificate(host_key, ["x"]), tmp_path) != old
    assert len(authorities.host_authority_lines("*.x")) == 2


def test_a_stolen_key_is_no_longer_published_at_once() -> None:
    (stolen,) = authorities.user_authority_lines()
    fresh = rotation.rotate(SYSTEM, USER, lead=timedelta(), overlap=timedelta())
    assert authorities.user_authority_lines() == [fresh.public_key] != [stolen]


def test_the_other_authority_stays() -> None:
    users = authorities.user_authority_lines()
    rotation.rotate(SYSTEM, HOST)
    assert authorities.user_authority_lines() == users


def test_nobody_rotates_twice_by_accident() -> None:
    rotation.rotate(SYSTEM, HOST)
    with pytest.raises(Refused) as refusal:
        rotation.rotate(SYSTEM, HOST)
    assert (refusal.value.reason, refusal.value.status) == ("rotation_under_way", 409)
    assert len(authorities.host_authority_lines("x")) == 2


def test_a_waiting_key_can_be_brought_forward() -> None:
    old = authorities.host_authority_fingerprint()
    waiting = rotation.rotate(SYSTEM, HOST)
    assert authorities.host_authority_fingerprint() == old
    again = rotation.rotate(SYSTEM, HOST, lead=timedelta())
    assert again.pk == waiting.pk
    assert authorities.host_authority_fingerprint() != old
    assert len(authorities.host_authority_lines("x")) == 2
    assert AuthorityKey.objects.filter(kind=HOST, retired_at__isnull=True).count() == 1


def test_a_retired_key_loses_its_private_key() -> None:
    authorities.user_authority_lines()
    rotation.rotate(SYSTEM, USER, lead=timedelta())
    old, new = AuthorityKey.objects.filter(kind=USER).order_by("id")
    assert old.private_key_encrypted == ""
    assert unseal(new.private_key_encrypted)


def test_a_rotation_sends_a_signal_and_is_audited() -> None:
    received: list[str] = []

    def receive(kind: str, **kwargs: object) -> None:
        received.append(kind)

    authority_rotated.connect(receive)
    try:
        fresh = rotation.rotate(SYSTEM, USER)
    finally:
        authority_rotated.disconnect(receive)
    assert received == ["user"]
    event = AuditEvent.objects.get(action="sshgateway:authority:rotated")
    assert event.after["signs_from"] == fresh.signs_from.isoformat()
    assert event.before["fingerprint"] != event.after["fingerprint"]
    assert "retired_at" in event.before


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("rotate_authority", "host")
    assert "published now, signs from" in capsys.readouterr().out
    (_, fresh) = AuthorityKey.objects.filter(kind=HOST).order_by("id")
    assert WEEK - timedelta(minutes=1) < fresh.signs_from - timezone.now() <= WEEK
    with pytest.raises(CommandError, match="Wait until then"):
        call_command("rotate_authority", "host")
    with pytest.raises(CommandError, match="Hours"):
        call_command("rotate_authority", "host", "--lead-hours", "-1")
    call_command("rotate_authority", "host", "--lead-hours", "0", "--overlap-hours", "0")
    assert len(authorities.host_authority_lines("x")) == 1


def test_a_new_secret_and_then_without_the_old_one(settings: Settings) -> None:
    lines = authorities.user_authority_lines()
    authorities.host_authority_lines("x")
    before = settings.SECRET_KEY
    settings.SECRET_KEY = "another-secret-0123456789abcdefghijklmnopq"
    with pytest.raises(CommandError, match="HEADNODE_SECRET_KEY_FALLBACKS"):
        call_command("reseal_authorities")
    settings.SECRET_KEY_FALLBACKS = [before]
    assert rotation.reseal() == 2
    settings.SECRET_KEY_FALLBACKS = []
    for key in AuthorityKey.objects.all():
        assert unseal(key.private_key_encrypted)
    assert authorities.user_authority_lines() == lines
    settings.SECRET_KEY = before
    with pytest.raises(Unsealable):
        unseal(AuthorityKey.objects.earliest("id").private_key_encrypted)
