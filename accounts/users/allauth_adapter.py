"""Adapt django-allauth to this portal."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from accounts import source_address


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Close sign-up (administrators create accounts), and rate-limit by source address instead of proxy address."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return source_address.source_address_of(request)
