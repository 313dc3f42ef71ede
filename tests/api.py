"""Clients of the REST API for tests."""

from rest_framework.test import APIClient

from accounts.models import User
from tests.factories import token_of


def client_of(user: User, **headers: str) -> APIClient:
    """A program of this person's, with a token of its own."""
    client = APIClient(headers=headers or None)
    client.credentials(HTTP_AUTHORIZATION=f"Token {token_of(user)}")
    return client
