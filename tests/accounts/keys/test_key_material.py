"""Keys that are pasted into a name or a note: recognised, refused at every such field, in no row and no answer."""

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.keys.key_material import KeyMaterial, key_material_in
from accounts.models import APIToken, AuditEvent, SSHKey, User
from jobs.models import Job
from tests.api import client_of
from tests.factories import SSHKeyFactory, public_key

MakeKey = Callable[..., Path]
NAMES = (
    "",
    "Laptop",
    "alice@laptop",
    "Alice's YubiKey 5C (spare)",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
    "d8a3a1f0-7c1b-4b1e-9d0f-0c6b8f0e4a52",
    "Projects/WingOptimisation/CoarseMesh/Attempt/Number/Three",
    "DonaudampfschifffahrtselektrizitaetenhauptbetriebswerkBauunterbeamten",
    "計算用ノートパソコン",
    "AAAA",
    "my ssh-ed25519",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_no_key(name: str) -> None:
    assert key_material_in(name) is KeyMaterial.NONE


@pytest.mark.parametrize(("kind", "bits"), [("ed25519", None), ("rsa", 2048), ("ecdsa", 256)])
def test_a_private_key_is_recognised_on_one_line_cut_or_in_pieces(
    make_key: MakeKey, kind: str, bits: int | None
) -> None:
    lines = make_key(kind, bits).read_text().splitlines()
    assert key_material_in(" ".join(lines)) is KeyMaterial.PRIVATE
    assert key_material_in(" ".join(lines)[:100]) is KeyMaterial.PRIVATE, "as the field cuts it"


def test_a_line_from_the_middle_of_a_key_file_is_recognised() -> None:
    for number in range(20):
        line = base64.b64encode(hashlib.sha512(str(number).encode()).digest())[:64].decode()
        assert key_material_in(line) is KeyMaterial.PRIVATE


@pytest.mark.parametrize(("kind", "bits"), [("ed25519", None), ("rsa", 2048), ("ecdsa", 256)])
def test_a_public_key_is_recognised_whole_cut_and_without_its_type(
    make_key: MakeKey, kind: str, bits: int | None
) -> None:
    line = make_key(kind, bits).with_suffix(".pub").read_text()
    for text in (line, line[:100], line.split()[1][:60], f"key: {line}"):
        assert key_material_in(text) is KeyMaterial.PUBLIC


@pytest.fixture
def private_line(make_key: MakeKey) -> str:
    """A private key as a field of one line gets it."""
    return " ".join(make_key().read_text().splitlines())


PAGES: tuple[tuple[str, dict[str, str], str], ...] = (
    ("/settings/job/keys/", {"public_key": "LINE"}, "name"),
    ("/settings/job/keys/", {"public_key": "nonsense"}, "name"),
    ("/settings/job/rules/", {"cidr": "192.0.2.0/24"}, "note"),
    ("/settings/job/rules/", {"note": ""}, "cidr"),
    ("/settings/tokens/", {}, "name"),
    ("/jobs/new/", {"command": "true", "core_type": "emerald", "slots": "1", "save": "1"}, "name"),
)


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "rest", "field"), PAGES)
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_no_page_takes_a_private_key_for_a_name_or_shows_it_again(
    client: Client,
    alice: User,
    private_line: str,
    path: str,
    rest: dict[str, str],
    field: str,
    headers: dict[str, str],
) -> None:
    client.force_login(alice)
    answer = client.post(path, {**rest, field: private_line} | _line_in(rest), headers=headers)
    assert answer.status_code == 400
    html = answer.content.decode()
    assert private_line.split()[4][:40] not in html
    assert "BEGIN OPENSSH" not in html
    for rows in (SSHKey.objects, APIToken.objects, Job.objects, alice.access_rules):
        assert not rows.exists()
    assert not any("BEGIN" in str(event.after) for event in AuditEvent.objects.all())


def _line_in(rest: dict[str, str]) -> dict[str, str]:
    return {"public_key": public_key()} if rest.get("public_key") == "LINE" else {}


@pytest.mark.django_db
def test_a_public_key_for_a_name_is_told_where_it_belongs(client: Client, alice: User) -> None:
    client.force_login(alice)
    answer = client.post("/settings/job/keys/", {"name": public_key(), "public_key": public_key()})
    assert answer.status_code == 400
    assert "Paste it in the field “Public key”" in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("material", ["private", "public"])
def test_the_api_refuses_both_when_a_key_is_added_and_renamed(
    alice: User, private_line: str, material: str
) -> None:
    name = private_line[:90] if material == "private" else public_key()[:90]
    api, url = client_of(alice), "/api/v2/users/me/ssh-keys/"
    key = SSHKeyFactory.create(owner=alice, name="Laptop")

    def check(answer: Any) -> None:
        assert answer.status_code == 400
        assert name not in answer.content.decode()
        assert "name" in answer.json()

    check(api.post(url, {"name": name, "publicKey": public_key()}, format="json"))
    check(api.patch(f"{url}{key.pk}/", {"name": name}, format="json"))
    assert alice.ssh_keys.get().name == "Laptop"


@pytest.mark.django_db
def test_a_comment_that_cannot_be_a_name_gives_the_key_the_name_of_its_type(alice: User) -> None:
    comment = "Zb3Kq9Lr2Xv7Ty5Nw1Mp8Hd4Gs6Fj0Ca3Eu9Oi2Ql5RzBk"
    answer = client_of(alice).post(
        "/api/v2/users/me/ssh-keys/", {"publicKey": public_key(comment)}, format="json"
    )
    assert (answer.status_code, answer.json()["name"]) == (201, "ssh-ed25519 key")
