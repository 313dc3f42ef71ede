"""Every route and websocket has its scopes in one table; what is forgotten is open to full tokens only."""

from typing import Any

import pytest

from accounts.token_scopes import ALL_SCOPES, missing_scopes
from accounts.users.scope_checks import websocket_scopes
from jobs.routing import websocket_urlpatterns as jobs_websockets
from portal.api import urlpatterns
from portal.api_root import ROUTES as API_ROUTES
from portal.token_scopes import ROUTES
from sshgateway.routing import websocket_urlpatterns as terminal_websockets

PATHS = {"": "", **{str(route.pattern): "" for route in API_ROUTES}}
ROUTES_BESIDE: list[Any] = urlpatterns  # Django types the list as objects
BESIDE = {str(route.pattern) for route in ROUTES_BESIDE} - {"api/v2/", "api/v3/"}


def test_every_route_has_its_scopes() -> None:
    assert set(PATHS) | BESIDE == set(ROUTES), "add the route to portal/token_scopes.py"


def test_every_websocket_has_its_scopes() -> None:
    paths = [
        "/ws/jobs/abc/events/",
        "/ws/terminal-sessions/abc/",
        "/ws/gateways/one/terminal-sessions/abc/",
    ]
    patterns = [*jobs_websockets, *terminal_websockets]
    for pattern in patterns:
        assert any(pattern.pattern.match(path.lstrip("/")) for path in paths), f"{pattern}: add its path here"
    for path in paths:
        assert websocket_scopes(path), f"add {path} to portal/token_scopes.py"


@pytest.mark.parametrize("scope", ALL_SCOPES)
def test_a_route_that_was_forgotten_needs_every_scope(scope: str) -> None:
    assert missing_scopes([word for word in ALL_SCOPES if word != scope], None) == [scope]
    assert missing_scopes(ALL_SCOPES, None) == []
    assert websocket_scopes("/ws/new/") is None


def test_no_token_reaches_administration_without_its_scope() -> None:
    without = [word for word in ALL_SCOPES if word != "admin"]
    names = ("projects/", "rate-card/", "simulator/", "leftovers/", "live-sessions/", "project-policy/")
    for route, needed in ROUTES.items():
        if route.startswith(names):
            assert all(missing_scopes(without, one) == ["admin"] for one in needed), route
