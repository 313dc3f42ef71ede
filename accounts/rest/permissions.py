"""Who may use an endpoint at all."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.rest.requests import person
from accounts.users.administrators import is_administrator


class IsAdministrator(BasePermission):
    """Administrators; a signed-in person who is none gets 403 `not_administrator`, whatever the path names."""

    message = "Only an administrator may do this. Ask yours."
    code = "not_administrator"

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the person administers the portal."""
        return bool(request.user and request.user.is_authenticated) and is_administrator(person(request))
