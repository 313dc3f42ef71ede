"""The credential of an open websocket becomes invalid: token revoked or expired, signed out, password changed."""

from datetime import timedelta

import pytest
from django.contrib.auth import SESSION_KEY
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import services
from accounts.audit.trail import Actor
from accounts.models import User
from accounts.users.session_validity import (
    NO_CREDENTIAL,
    SignInCredential,
    credential_of,
    is_credential_valid,
)

pytestmark = pytest.mark.django_db


def browser_of(user: User) -> tuple[Client, SignInCredential]:
    """Return a signed-in browser and the credential of its websockets."""
    client = Client()
    client.force_login(user)
    assert client.session[SESSION_KEY] == str(user.pk)
    return client, credential_of({"api_token": None, "session": client.session})


def test_a_token_until_it_is_revoked(alice: User, bob: User) -> None:
    token, _ = services.create_api_token(Actor(alice), alice, "laptop")
    credential = credential_of({"api_token": token, "session": browser_of(alice)[0].session})
    assert is_credential_valid(alice.pk, credential)
    assert not is_credential_valid(bob.pk, credential)
    services.end_api_token(Actor(alice), token)
    assert not is_credential_valid(alice.pk, credential)


def test_a_token_until_it_expires(alice: User) -> None:
    token, _ = services.create_api_token(Actor(alice), alice, "laptop")
    token.expires_at = timezone.now() - timedelta(seconds=1)
    token.save()
    assert not is_credential_valid(alice.pk, credential_of({"api_token": token}))


def test_a_browser_until_it_signs_out(alice: User, bob: User) -> None:
    client, credential = browser_of(alice)
    _, elsewhere = browser_of(alice)
    assert is_credential_valid(alice.pk, credential)
    assert not is_credential_valid(bob.pk, credential)
    client.logout()
    assert not is_credential_valid(alice.pk, credential)
    assert is_credential_valid(alice.pk, elsewhere)


def test_every_browser_until_the_password_changes(alice: User) -> None:
    _, credential = browser_of(alice)
    alice.set_password("another one entirely")
    alice.save()
    assert not is_credential_valid(alice.pk, credential)


def test_a_changed_secret_key_signs_nobody_out_while_the_old_one_is_known(
    alice: User, settings: Settings
) -> None:
    _, credential = browser_of(alice)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-for-tests-0123456789abcdefghijklmnopqrstuvwxyz"
    assert is_credential_valid(alice.pk, credential)
    settings.SECRET_KEY_FALLBACKS = []
    assert not is_credential_valid(alice.pk, credential)


def test_nobody_who_left(alice: User) -> None:
    _, credential = browser_of(alice)
    alice.is_active = False
    alice.save()
    assert not is_credential_valid(alice.pk, credential)


def test_nothing_is_good_for_nothing(alice: User) -> None:
    assert credential_of({}) == NO_CREDENTIAL
    for credential in (
        NO_CREDENTIAL,
        SignInCredential(session_key=""),
        SignInCredential(session_key="made-up" * 6),
    ):
        assert not is_credential_valid(alice.pk, credential)


def test_a_credential_does_not_tell_its_session(alice: User) -> None:
    _, credential = browser_of(alice)
    assert credential.session_key
    assert credential.session_key not in repr(credential)
