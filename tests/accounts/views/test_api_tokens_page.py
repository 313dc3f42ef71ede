"""The API tokens page: the secret is shown once."""

import hashlib
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from tests.factories import APITokenFactory

TOKENS = "/settings/tokens/"


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def test_the_secret_is_shown_once_and_works(page: Client, alice: User) -> None:
    answer = page.post(TOKENS, {"name": "Pipeline", "scopes": ["read", "jobs"]})
    secret = answer.context["secret"]
    assert secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert alice.api_tokens.get().digest == hashlib.sha256(secret.encode()).hexdigest()
    later = page.get(TOKENS).content.decode()
    assert secret not in later and secret[:8] in later and "Pipeline" in later


def test_an_expiry_is_the_end_of_that_day(page: Client, alice: User) -> None:
    day = (timezone.now() + timedelta(days=3)).date()
    page.post(TOKENS, {"name": "Short", "life": "day", "expires": day.isoformat(), "scopes": ["read"]})
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
    answer = page.post(
        TOKENS,
        {"name": name, "life": "day" if expires else "90", "expires": expires, "scopes": ["read"]},
        headers={"HX-Request": "true"},
    )
    assert answer.status_code == 400
    html = answer.content.decode()
    assert sentence in html and f'value="{name}"' in html
    assert not alice.api_tokens.exists()


def test_ending_asks_first(page: Client, alice: User) -> None:
    page.post(TOKENS, {"name": "Pipeline", "scopes": ["read"]})
    end = reverse("api_token_end", args=[alice.api_tokens.get().pk])
    assert "This cannot be undone" in page.post(end).content.decode()
    assert alice.api_tokens.good().exists()
    page.post(end, {"confirmed": "1"})
    assert not alice.api_tokens.good().exists()


def test_somebody_elses_token_is_not_there(client: Client, alice: User, charlie: User) -> None:
    client.force_login(alice)
    client.post(TOKENS, {"name": "Pipeline", "scopes": ["read"]})
    client.force_login(charlie)
    end = reverse("api_token_end", args=[alice.api_tokens.get().pk])
    assert client.post(end, {"confirmed": "1"}).status_code == 404
    assert "Pipeline" not in client.get(TOKENS).content.decode().replace("Nightly pipeline", "")


def test_a_choice_of_days_and_of_scopes(page: Client, alice: User) -> None:
    page.post(TOKENS, {"name": "Week", "life": "7", "scopes": ["files", "read"]})
    token = alice.api_tokens.get()
    assert token.expires_at is not None
    assert timedelta(days=6) < token.expires_at - timezone.now() < timedelta(days=8)
    assert token.scopes == ["read", "files"]
    assert "Read, Files" in page.get(TOKENS).content.decode()


@pytest.mark.parametrize("life", ["", "90", "4000", "x", "-1", "\u0663"])
def test_whatever_comes_instead_of_a_choice_is_the_usual_time(page: Client, alice: User, life: str) -> None:
    page.post(TOKENS, {"name": "Odd", "life": life, "scopes": ["read"]})
    expires_at = alice.api_tokens.get().expires_at
    assert expires_at is not None and expires_at - timezone.now() < timedelta(days=91)


def test_never_where_the_administrator_allows_it(page: Client, alice: User, settings: Settings) -> None:
    form = {"name": "For ever", "life": "never", "scopes": ["read"]}
    assert page.post(TOKENS, form).status_code == 400
    assert 'value="never"' not in page.get(TOKENS).content.decode()
    settings.HEADNODE_TOKEN_LONGEST_LIFE = timedelta(0)
    assert 'value="never"' in page.get(TOKENS).content.decode()
    page.post(TOKENS, form)
    assert alice.api_tokens.get().expires_at is None


def test_without_a_scope_there_is_no_token(page: Client, alice: User) -> None:
    answer = page.post(TOKENS, {"name": "Nothing"})
    assert answer.status_code == 400
    assert "Choose one or more" in answer.content.decode()
    assert not alice.api_tokens.exists()


def test_one_that_expires_soon_and_where_it_was_used(page: Client, alice: User) -> None:
    soon = timezone.now() + timedelta(days=3)
    APITokenFactory.create(
        owner=alice, expires_at=soon, last_used_at=timezone.now(), last_used_from="203.0.113.7"
    )
    html = page.get(TOKENS).content.decode()
    assert "Expires soon" in html and "from 203.0.113.7" in html and "All rights" in html
