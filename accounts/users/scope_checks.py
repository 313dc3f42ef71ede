"""Refuse a token whose scopes do not reach: the one check for routes and websockets."""

import re
from collections.abc import Mapping, Sequence
from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from accounts.models import APIToken
from accounts.refusal_reasons import RefusalReason
from accounts.refusals import Refused
from accounts.token_scopes import Scopes, TokenScope, missing_scopes

READING = ("GET", "HEAD", "OPTIONS", "TRACE")
VERSION = re.compile(r"^api/v[23]/")


def check_route(token: APIToken, route: str | None, method: str) -> None:
    """Raise Refused (`scope_missing`, 403) unless the token's scopes reach this route (as Django writes it)."""
    needed = None
    if route is not None:
        rows = _routes().get(without_version(route))
        needed = None if rows is None else rows[0 if method in READING else 1]
    _check(token, needed)


def without_version(route: str) -> str:
    """Return a route as Django writes it, without `api/v2/` or `api/v3/`."""
    return VERSION.sub("", route)


def check_websocket(token: APIToken, path: str) -> None:
    """Raise Refused (`scope_missing`, 403) unless the token's scopes reach the websocket at this path."""
    _check(token, websocket_scopes(path))


def websocket_scopes(path: str) -> Scopes | None:
    """Return the scopes of which a websocket needs one; None if it is in no table, and so needs every one."""
    return next((needed for pattern, needed in _websockets() if re.match(pattern, path.lstrip("/"))), None)


def scope_refusal(missing: Sequence[TokenScope]) -> Refused:
    """Return the refusal of a token that lacks these scopes."""
    names = " or ".join(f"“{scope.value}”" for scope in missing)
    return Refused(
        RefusalReason.SCOPE_MISSING,
        f"This token lacks the scope {names}. Use one that has it, or make one under Settings, API tokens.",
        status=403,
    )


def _check(token: APIToken, needed: Scopes | None) -> None:
    missing = missing_scopes(token.scopes, needed)
    if missing:
        raise scope_refusal(missing)


@cache
def _routes() -> Mapping[str, tuple[Scopes, Scopes]]:
    found: Mapping[str, tuple[Scopes, Scopes]] = import_string(settings.HEADNODE_ROUTE_SCOPES)
    return found


@cache
def _websockets() -> Sequence[tuple[str, Scopes]]:
    found: Sequence[tuple[str, Scopes]] = import_string(settings.HEADNODE_WEBSOCKET_SCOPES)
    return found
