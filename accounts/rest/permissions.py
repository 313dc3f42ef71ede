"""Permissions of REST endpoints."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.refusal_reasons import RefusalReason
from accounts.rest.requests import person
from accounts.users.administrators import is_administrator


class IsAdministrator(BasePermission):
    """Allow administrators. Other signed-in users get 403 `not_administrator`, whether or not the object exists."""

    message = "Only an administrator may do this. Ask yours."
    code = RefusalReason.NOT_ADMINISTRATOR

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return whether the user is an administrator."""
        return bool(request.user and request.user.is_authenticated) and is_administrator(person(request))


class AdministratorsWrite(IsAdministrator):
    """Allow everybody who is signed in to read, and only administrators to write."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return whether the method only reads, or the user is an administrator."""
        return request.method in SAFE_METHODS or super().has_permission(request, view)
