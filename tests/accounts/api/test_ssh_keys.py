"""Public keys over the REST API."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accounts.models import AuditEvent, SSHKey, User
from tests.api import client_of
from tests.factories import SSHKeyFactory, public_key

pytestmark = pytest.mark.django_db
URL = "/api/v2/users/me/ssh-keys/"
# Fixed, because parallel test processes must agree on the names of the tests.
LINE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0nr5u1Vb1MN3hpTA3e5QfXvEHT8vZk7sHjV0vYJ1bO"


def _add(user: User, text: str, name: str = "") -> Any:
    return client_of(user).post(URL, {"name": name, "publicKey": text}, format="json")


def test_it_saves_a_key_that_ssh_keygen_made(alice: User, make_key: Callable[..., Path]) -> None:
    line = make_key("ed25519").with_suffix(".pub").read_text()
    answer = _add(alice, line, "laptop")

    assert answer.status_code == 201
    key = answer.json()
    assert set(key) >= {
        "id", "name", "publicKey", "type", "bits", "fingerprint", "addedAt", "expiresAt", "lastUsedAt", "lastUsedFrom",
    }  # fmt: skip
    assert key["publicKey"] == line.strip()
    assert (key["name"], key["type"], key["bits"]) == ("laptop", "ssh-ed25519", 256)
    assert key["fingerprint"].startswith("SHA256:")
    assert key["addedAt"].endswith("Z")
    assert key["lastUsedAt"] is None


def test_the_audit_trail_says_who_from_where_and_how(alice: User) -> None:
    client_of(alice).post(URL, {"publicKey": public_key()}, format="json", REMOTE_ADDR="192.0.2.9")

    event = AuditEvent.objects.get(action="accounts:ssh_key:added")
    assert (event.actor, event.source_address, event.via) == (alice, "192.0.2.9", "api")


def test_a_name_may_be_left_out(alice: User) -> None:
    assert client_of(alice).post(URL, {"publicKey": public_key("alice@desk")}, format="json").json()[
        "name"
    ] == ("alice@desk")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----", "private_key"),
        (LINE[:60], "cut_off"),
        (f'command="rm" {LINE}', "options_prefix"),
        (f"{LINE}\n{OTHER}", "several_keys"),
    ],
)
def test_a_bad_key_is_refused_with_its_field_and_a_sentence(alice: User, text: str, reason: str) -> None:
    answer = _add(alice, text)

    assert answer.status_code == 400
    assert answer.json()["reason"] == reason
    assert isinstance(answer.json()["publicKey"][0], str)
    assert "c2VjcmV0" not in answer.content.decode()
    assert not SSHKey.objects.exists()


def test_a_key_without_text_is_refused(alice: User) -> None:
    answer = client_of(alice).post(URL, {"name": "x"}, format="json")

    assert answer.status_code == 400
    assert "publicKey" in answer.json()


def test_a_key_is_saved_once(alice: User) -> None:
    line = public_key()
    _add(alice, line)

    assert _add(alice, line).json()["reason"] == "duplicate_key"


def test_two_people_may_have_the_same_key(alice: User, bob: User) -> None:
    line = public_key()

    assert _add(alice, line).status_code == _add(bob, line).status_code == 201


def test_renaming_changes_the_name_only(alice: User) -> None:
    key = SSHKeyFactory.create(owner=alice)
    answer = client_of(alice).patch(
        f"{URL}{key.pk}/", {"name": "desk", "publicKey": public_key()}, format="json"
    )

    assert answer.json()["name"] == "desk"
    assert answer.json()["publicKey"] == key.public_key


def test_a_name_that_cannot_be_shown_is_refused(alice: User) -> None:
    key = SSHKeyFactory.create(owner=alice)
    answer = client_of(alice).patch(f"{URL}{key.pk}/", {"name": "a\x1b[31m"}, format="json")

    assert (answer.status_code, answer.json()["reason"]) == (400, "name_invalid")


def test_deleting_forgets_the_key(alice: User) -> None:
    key = SSHKeyFactory.create(owner=alice)

    assert client_of(alice).delete(f"{URL}{key.pk}/").status_code == 204
    assert not SSHKey.objects.exists()


def test_the_list_is_pages_that_keep_their_query(alice: User) -> None:
    SSHKeyFactory.create_batch(3, owner=alice)
    client = client_of(alice)
    first = client.get(URL, {"page_size": "2", "note": "kept"}).json()

    assert first["count"] == 3
    assert first["previous"] is None
    assert first["next"].startswith("http://testserver/")
    assert "note=kept" in first["next"]
    second = client.get(first["next"]).json()
    assert second["next"] is None
    assert len({key["id"] for key in first["results"] + second["results"]}) == 3
