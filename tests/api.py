"""Clients of the REST API for tests."""

from typing import Any

from rest_framework.test import APIClient

from accounts.models import User
from tests.factories import token_of


def client_of(user: User, **headers: str) -> APIClient:
    """A program of this person's, with a token of its own."""
    client = APIClient(headers=headers or None)
    client.credentials(HTTP_AUTHORIZATION=f"Token {token_of(user)}")
    return client


def send(client: APIClient, method: str, path: str, body: str | bytes, content_type: str) -> Any:
    """Send `body` as it is."""
    # The stubs know text only. Django takes bytes as well, which need not be UTF-8.
    return client.generic(method, path, body, content_type=content_type)  # type: ignore[arg-type]  # see above
