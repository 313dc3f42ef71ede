"""The Job Settings page: adding and deleting SSH public keys, with and without htmx."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import SSHKey, User

HTMX = {"HX-Request": "true"}
ADD = "/settings/job/keys/"


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def public_key(make_key: Callable[..., Path]) -> str:
    return make_key(comment="alice@laptop").with_suffix(".pub").read_text()


def test_a_saved_key_is_shown_as_ssh_add_shows_it(page: Client, alice: User, public_key: str) -> None:
    answer = page.post(ADD, {"name": "Laptop", "public_key": public_key}, headers=HTMX)
    key = alice.ssh_keys.get()
    assert answer.status_code == 200
    text = answer.content.decode()
    assert key.fingerprint in text and "ssh-ed25519" in text and "256 bits" in text and "Laptop" in text
    assert "<html" not in text, "htmx gets the section, not the page"


def test_without_scripts_the_form_redirects_back_and_says_what_happened(
    page: Client, public_key: str
) -> None:
    answer = page.post(ADD, {"name": "Laptop", "public_key": public_key}, follow=True)
    assert answer.redirect_chain[0] == ("/settings/job/#keys", 302)
    assert "Saved “Laptop”" in answer.content.decode()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "There is no key here."),
        ("ssh-ed25519 AAAA", "cut off"),
        ('command="id" KEY', "authorized_keys options"),
        ("KEY-CUT", "cut off"),
        ("x" * 20_000, "more than 16 KiB"),
        ("ssh-ed25519\nAAAA\0BBBB", "control characters"),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_each_refusal_stands_by_the_field_and_what_was_typed_stays(
    page: Client, public_key: str, text: str, sentence: str, headers: dict[str, str]
) -> None:
    text = text.replace("KEY-CUT", public_key[:60]).replace("KEY", public_key)
    answer = page.post(ADD, {"name": "Mine", "public_key": text}, headers=headers)
    assert answer.status_code == 400
    html = answer.content.decode()
    assert sentence in html
    assert 'aria-invalid="true"' in html
    assert 'value="Mine"' in html
    if text and "\0" not in text:
        assert answer.context["key_text"] == text
    assert not SSHKey.objects.exists()


def test_a_private_key_is_never_sent_back(page: Client, make_key: Callable[..., Path]) -> None:
    private = make_key().read_text()
    answer = page.post(ADD, {"name": "Oops", "public_key": private}, headers=HTMX)
    html = answer.content.decode()
    assert answer.status_code == 400
    assert "This is a private key." in html
    assert private.splitlines()[1] not in html
    assert "PRIVATE KEY-----" not in html


def test_a_converted_key_says_so(page: Client, make_key: Callable[..., Path]) -> None:
    command = ["ssh-keygen", "-e", "-f", str(make_key().with_suffix(".pub"))]
    rfc4716 = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    answer = page.post(ADD, {"name": "PuTTY", "public_key": rfc4716}, headers=HTMX)
    assert answer.status_code == 200
    assert "Converted from RFC 4716" in answer.content.decode()


def test_several_keys_are_offered_and_each_can_be_added(
    page: Client, alice: User, make_key: Callable[..., Path]
) -> None:
    lines = [make_key(name=f"k{n}", comment=f"key{n}").with_suffix(".pub").read_text() for n in range(3)]
    offered = page.post(ADD, {"public_key": "".join(lines)}, headers=HTMX)
    assert offered.status_code == 400
    assert "Add all 3 keys" in offered.content.decode()
    offers = [offer.line for offer in offered.context["offers"]]
    assert offers == [line.strip() for line in lines]

    one = page.post(ADD, {"public_key": offers[0], "other": offers}, headers=HTMX)
    assert [offer.line for offer in one.context["offers"]] == offers[1:], "the others are still offered"

    page.post(ADD, {"each": "1", "public_key": offers[1:]}, headers=HTMX)
    assert sorted(alice.ssh_keys.values_list("name", flat=True)) == ["key0", "key1", "key2"]


def test_several_keys_none_of_which_can_be_added_are_a_plain_refusal(page: Client) -> None:
    text = "ssh-dss AAAAB3NzaC1kc3MAAACB one\nssh-dss AAAAB3NzaC1kc3MAAACC two\n"
    answer = page.post(ADD, {"public_key": text}, headers=HTMX)
    assert answer.status_code == 400
    assert 'aria-invalid="true"' in answer.content.decode() and "offers" not in answer.context
    assert answer.context["key_text"] == text


def test_removing_asks_first_and_then_removes(page: Client, alice: User, public_key: str) -> None:
    page.post(ADD, {"name": "Laptop", "public_key": public_key})
    remove = reverse("ssh_key_remove", args=[alice.ssh_keys.get().pk])
    asked = page.post(remove)
    assert "Running clusters stop accepting it" in asked.content.decode()
    assert alice.ssh_keys.count() == 1
    page.post(remove, {"confirmed": "1"})
    assert alice.ssh_keys.count() == 0


def test_somebody_elses_key_is_not_there(client: Client, alice: User, charlie: User, public_key: str) -> None:
    client.force_login(alice)
    client.post(ADD, {"name": "Laptop", "public_key": public_key})
    client.force_login(charlie)
    assert "Laptop" not in client.get("/settings/job/").content.decode().replace('placeholder="Laptop"', "")
    remove = reverse("ssh_key_remove", args=[alice.ssh_keys.get().pk])
    assert client.post(remove, {"confirmed": "1"}).status_code == 404
    assert alice.ssh_keys.count() == 1


def test_one_must_be_signed_in_and_send_the_form_of_the_page(alice: User, public_key: str) -> None:
    stranger = Client()
    assert stranger.post(ADD, {"public_key": public_key}).status_code == 302
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(alice)
    assert forged.post(ADD, {"public_key": public_key}).status_code == 403
    assert not SSHKey.objects.exists()


def test_ten_megabytes_are_refused_with_a_sentence(page: Client) -> None:
    answer = page.post(ADD, {"name": "Big", "public_key": "A" * 10_000_000})
    assert answer.status_code in (400, 413)
    assert "too large" in answer.content.decode()
