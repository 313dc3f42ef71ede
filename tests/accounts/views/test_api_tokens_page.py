"""The API tokens page: the secret is shown once."""

import hashlib
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User

TOKENS = "/settings/tokens/"


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def test_the_secret_is_shown_once_and_works(page: Client, alice: User) -> None:
    answer = page.post(TOKENS, {"name": "Pipeline", "expires": ""})
    secret = answer.context["secret"]
    assert secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert alice.api_tokens.get().digest == hashlib.sha256(secret.encode()).hexdigest()
    later = page.get(TOKENS).content.decode()
    assert secret not in later and secret[:8] in later and "Pipeline" in later


def test_an_expiry_is_the_end_of_that_day(page: Client, alice: User) -> None:
    day = (timezone.now() + timedelta(days=3)).date()
    page.post(TOKENS, {"name": "Short", "expires": day.isoformat()})
    expires_at = alice.api_tokens.get().expires_at
    assert expires_at is not None and (expires_at.date(), expires_at.hour) == (day, 23)


@pytest.mark.parametrize(
    ("name", "expires", "sentence"),
    [
        ("", "", "Give the token a name"),
        ("Old", "2001-01-01", "must lie in the future"),
        ("Odd", "2001-02-31", "year-month-day"),
        ("Odd", "tomorrow", "year-month-day"),
        ("x" * 101, "", "at most 100 characters"),
    ],
)
def test_bad_input_comes_back_with_its_sentence(
    page: Client, alice: User, name: str, expires: str, sentence: str
) -> None:
    answer = page.post(TOKENS, {"name": name, "expires": expires}, headers={"HX-Request": "true"})
    assert answer.status_code == 400
    html = answer.content.decode()
    assert sentence in html and f'value="{name}"' in html
    assert not alice.api_tokens.exists()


def test_revoking_asks_first(page: Client, alice: User) -> None:
    page.post(TOKENS, {"name": "Pipeline"})
    revoke = reverse("api_token_revoke", args=[alice.api_tokens.get().pk])
    assert "This cannot be undone" in page.post(revoke).content.decode()
    assert alice.api_tokens.exists()
    page.post(revoke, {"confirmed": "1"})
    assert not alice.api_tokens.exists()


def test_somebody_elses_token_is_not_there(client: Client, alice: User, charlie: User) -> None:
    client.force_login(alice)
    client.post(TOKENS, {"name": "Pipeline"})
    client.force_login(charlie)
    revoke = reverse("api_token_revoke", args=[alice.api_tokens.get().pk])
    assert client.post(revoke, {"confirmed": "1"}).status_code == 404
    assert "Pipeline" not in client.get(TOKENS).content.decode().replace("Nightly pipeline", "")
