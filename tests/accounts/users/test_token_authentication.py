"""A token signs a program in until it expires, is revoked or its owner is deactivated. An invalid one gets 401."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from accounts.models import APIToken, User
from accounts.users.token_authentication import (
    LAST_USED_STEP,
    TokenAuthentication,
    TokenRefusalReason,
    TokenRefused,
    check_token,
    note_use,
)

SECRET = "hn_0123456789abcdefghijklmnopqrstuvwxyz"


class WhoAmI(APIView):
    """Returns who is signed in."""

    authentication_classes = [TokenAuthentication]
    permission_classes = [IsAuthenticated]

    def get(self, request: Request) -> Response:
        return Response({"user": str(request.user), "token": getattr(request.auth, "name", None)})


Ask = Callable[[str | None], Any]


@pytest.fixture
def ask() -> Ask:
    """Call the view with an Authorization header."""

    def send(header: str | None) -> Any:
        request = APIRequestFactory().get("/")
        if header is not None:
            request.META["HTTP_AUTHORIZATION"] = header
        return WhoAmI.as_view()(request)

    return send


@pytest.fixture
def token(alice: User) -> APIToken:
    """A token of alice's."""
    return APIToken.objects.create(
        owner=alice, name="laptop", digest=hashlib.sha256(SECRET.encode()).hexdigest(), prefix=SECRET[:8]
    )


@pytest.mark.parametrize("keyword", ["Token", "token", "Bearer"])
def test_token_signs_in(ask: Ask, token: APIToken, keyword: str) -> None:
    answer = ask(f"{keyword} {SECRET}")
    assert (answer.status_code, answer.data) == (200, {"user": "alice", "token": "laptop"})


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        (None, "credentials were not provided"),
        ("Token wrong", "Invalid token"),
        ("Token", "Authorization header must be"),
        (f"Token {SECRET} {SECRET}", "Authorization header must be"),
        ("Token " + "x" * 5000, "Authorization header must be"),
        ("Token \u00e9\u00e9", "Authorization header must be"),
        ("Token \x00", "Authorization header must be"),
        (f"Basic {SECRET}", "credentials were not provided"),
        (SECRET, "credentials were not provided"),
    ],
)
def test_bad_header_is_401_and_says_nothing_secret(
    ask: Ask, token: APIToken, header: str | None, detail: str
) -> None:
    answer = ask(header)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Token"
    assert detail in answer.data["detail"]
    assert SECRET not in str(answer.data)


def test_digest_is_no_token(ask: Ask, token: APIToken) -> None:
    assert ask(f"Token {token.digest}").status_code == 401


def test_expired_token(ask: Ask, token: APIToken) -> None:
    token.expires_at = timezone.now() + timedelta(minutes=1)
    token.save()
    assert ask(f"Token {SECRET}").status_code == 200
    token.expires_at = timezone.now()
    token.save()
    answer = ask(f"Token {SECRET}")
    assert (answer.status_code, answer.data["detail"]) == (401, "API key is no longer active")


def test_revoked_token(ask: Ask, token: APIToken) -> None:
    token.delete()
    assert ask(f"Token {SECRET}").status_code == 401


def test_inactive_person(ask: Ask, token: APIToken, alice: User) -> None:
    alice.is_active = False
    alice.save()
    assert ask(f"Token {SECRET}").status_code == 401


def test_whose_a_secret_is(token: APIToken, alice: User, bob: User) -> None:
    assert check_token(SECRET) == (alice, token)
    with pytest.raises(TokenRefused) as refused:
        check_token("wrong")
    assert refused.value.reason == TokenRefusalReason.INVALID


def test_last_use_is_saved_at_most_once_a_minute(ask: Ask, token: APIToken) -> None:
    ask(f"Token {SECRET}")
    token.refresh_from_db()
    first = token.last_used_at
    assert first is not None
    with CaptureQueriesContext(connection) as queries:
        ask(f"Token {SECRET}")
    assert not [query for query in queries.captured_queries if query["sql"].startswith("UPDATE")]
    long_ago = timezone.now() - LAST_USED_STEP
    APIToken.objects.update(last_used_at=long_ago)
    ask(f"Token {SECRET}")
    token.refresh_from_db()
    assert token.last_used_at is not None
    assert token.last_used_at > long_ago


def test_last_use_saved_by_another_process_stays(token: APIToken) -> None:
    """Two processes read the token before either wrote. The second does not write."""
    other = APIToken.objects.get(pk=token.pk)
    note_use(other)
    first = other.last_used_at
    note_use(token)
    token.refresh_from_db()
    assert first is not None
    assert token.last_used_at == first


def test_refused_token_is_not_marked_as_used(ask: Ask, token: APIToken, alice: User) -> None:
    alice.is_active = False
    alice.save()
    ask(f"Token {SECRET}")
    token.refresh_from_db()
    assert token.last_used_at is None


def test_secret_is_never_logged(ask: Ask, token: APIToken, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    ask(f"Token {SECRET}")
    ask(f"Token {SECRET}x")
    token.delete()
    ask(f"Token {SECRET}")
    assert SECRET not in caplog.text
