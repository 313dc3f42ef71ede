"""Exchanging a password for a token."""

import inspect
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.cache import cache
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from accounts.api import token_auth
from accounts.api.token_auth import KEPT
from accounts.audit.trail import SYSTEM
from accounts.models import APIToken, AuditEvent, User
from accounts.services import create_api_token
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
URL = "/api-token-auth/"


@pytest.fixture(autouse=True)
def _nobody_failed_yet() -> None:
    cache.clear()


def _ask(username: str, password: str, **environ: Any) -> Any:
    return APIClient().post(URL, {"username": username, "password": password}, format="json", **environ)


def test_the_token_works_and_is_kept_as_a_digest_only(alice: User) -> None:
    answer = _ask("alice", PASSWORD)

    assert answer.status_code == 200
    token = answer.json()["token"]
    assert (
        APIClient().get("/api/v2/users/me/", headers={"Authorization": f"Token {token}"}).status_code == 200
    )
    assert token not in str(APIToken.objects.values())
    assert AuditEvent.objects.filter(action="accounts:api_token:added", via="api").count() == 1


def test_the_token_expires(alice: User) -> None:
    _ask("alice", PASSWORD)
    expires_at = alice.api_tokens.get().expires_at
    assert expires_at is not None
    assert timedelta(days=89) < expires_at - timezone.now() < timedelta(days=91)


def test_a_form_does_too(alice: User) -> None:
    assert APIClient().post(URL, {"username": "alice", "password": PASSWORD}).status_code == 200


def test_the_mail_address_does_for_a_name(alice: User) -> None:
    assert _ask("alice@example.org", PASSWORD).status_code == 200


@pytest.mark.parametrize(
    ("username", "password"), [("alice", "wrong"), ("nobody", PASSWORD), ("alice", PASSWORD + " ")]
)
def test_a_wrong_password_says_nothing_about_who_exists(alice: User, username: str, password: str) -> None:
    answer = _ask(username, password)

    assert answer.status_code == 400
    assert answer.json() == {
        "detail": "Unable to log in with provided credentials.",
        "reason": "bad_credentials",
    }
    assert not APIToken.objects.exists()


def test_a_person_who_was_switched_off_gets_none(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)

    assert _ask("alice", PASSWORD).status_code == 400


@pytest.mark.parametrize("missing", ["username", "password"])
def test_both_are_needed(missing: str) -> None:
    body = {"username": "x", "password": "y"}
    body.pop(missing)
    answer = APIClient().post(URL, body, format="json")

    assert answer.status_code == 400
    assert missing in answer.json()


def test_guessing_is_slowed_down(alice: User) -> None:
    codes = [_ask("alice", f"wrong {n}").status_code for n in range(8)]
    answer = _ask("alice", PASSWORD)

    assert 429 in codes
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert answer.json()["reason"] == "throttled"


def test_asking_again_and_again_leaves_room_for_other_tokens(alice: User) -> None:
    create_api_token(SYSTEM, alice, "mine")
    tokens = [_ask("alice", PASSWORD).json()["token"] for _ in range(KEPT + 3)]

    assert alice.api_tokens.good().count() == KEPT + 1
    assert alice.api_tokens.filter(name="mine").exists()
    client = APIClient(headers={"Authorization": f"Token {tokens[-1]}"})
    assert client.get("/api/v2/users/me/").status_code == 200
    client = APIClient(headers={"Authorization": f"Token {tokens[0]}"})
    assert client.get("/api/v2/users/me/").status_code == 401


def test_a_cookie_that_lies_about_makes_no_difference(alice: User) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(alice)

    assert client.post(URL, {"username": "alice", "password": PASSWORD}, format="json").status_code == 200


def test_no_second_factor_is_promised_while_none_can_be_set_up() -> None:
    """If allauth.mfa is installed, this endpoint must refuse users with a second factor. Now it mentions none."""
    assert not apps.is_installed("allauth.mfa")
    description = SchemaGenerator(urlconf="portal.urls").get_schema(request=None, public=True)
    assert "second factor" not in str(description["paths"][URL]).lower()
    assert "mfa" not in inspect.getsource(token_auth)
