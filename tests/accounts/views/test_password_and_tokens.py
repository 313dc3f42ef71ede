"""Changing the password asks which API tokens to end."""

import pytest
from django.test import Client

from accounts.models import AuditEvent, User
from tests.conftest import PASSWORD
from tests.factories import APITokenFactory

pytestmark = pytest.mark.django_db
URL = "/accounts/password/change/"
NEW = "a whole new horse battery"


def change(client: Client, *tokens: int, old: str = PASSWORD) -> int:
    body = {"oldpassword": old, "password1": NEW, "password2": NEW, "end_tokens": tokens}
    return client.post(URL, body).status_code


def test_those_that_are_chosen_end_and_the_others_stay(client: Client, alice: User) -> None:
    chosen, other = (APITokenFactory.create(owner=alice, name=name) for name in ("lost laptop", "nightly"))
    client.force_login(alice)
    page = client.get(URL).content.decode()
    assert "lost laptop" in page and "nightly" in page
    assert change(client, chosen.pk) == 302
    chosen.refresh_from_db()
    other.refresh_from_db()
    assert chosen.ended_at is not None and other.ended_at is None
    assert AuditEvent.objects.filter(action="accounts:api_token:revoked", via="page").count() == 1
    alice.refresh_from_db()
    assert alice.check_password(NEW)


def test_a_wrong_password_ends_none_and_keeps_the_choice(client: Client, alice: User) -> None:
    token = APITokenFactory.create(owner=alice)
    client.force_login(alice)
    body = {"oldpassword": "wrong", "password1": NEW, "password2": NEW, "end_tokens": [token.pk]}
    answer = client.post(URL, body)
    assert answer.status_code == 200
    assert f'value="{token.pk}"\n          checked' in answer.content.decode()
    token.refresh_from_db()
    assert token.ended_at is None


def test_nobody_elses_token_can_be_named(client: Client, alice: User, charlie: User) -> None:
    theirs = APITokenFactory.create(owner=charlie)
    client.force_login(alice)
    assert change(client, theirs.pk) == 200
    theirs.refresh_from_db()
    assert theirs.ended_at is None


def test_without_tokens_nothing_is_asked(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert "API tokens, too" not in client.get(URL).content.decode()
    assert change(client) == 302
