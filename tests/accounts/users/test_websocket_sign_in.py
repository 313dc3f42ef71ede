"""Websockets are for browsers with a cookie and the portal's own Origin, and for programs with a token."""

import hashlib
import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import APIToken, User
from accounts.users.websocket_authentication import WebsocketAuthentication
from tests.waiting import LIMIT

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "hn_0123456789abcdefghijklmnopqrstuvwxyz"
HOST = "127.0.0.1:8000"
OWN = f"http://{HOST}"


class WhoAmI(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """Sends what is in its scope."""

    async def connect(self) -> None:
        await self.accept()
        token = self.scope["api_token"]
        await self.send_json(
            {
                "user": self.scope["user"].username,
                "token": token.name if token else None,
                "address": self.scope["source_address"],
            }
        )
        await self.close()


async def knock(**headers: str) -> dict[str, Any]:
    """Open a websocket; return what it sent, or {"code", "reason"} of its closing, or {"denied": True}."""
    return await knock_with([(name.encode(), value.encode()) for name, value in headers.items()])


async def knock_with(headers: Iterable[tuple[bytes, bytes]], path: str = "/ws/") -> dict[str, Any]:
    path, _, query = path.partition("?")
    scope = {
        "type": "websocket",
        "scheme": "ws",
        "path": path,
        "query_string": query.encode(),
        "client": ("192.0.2.7", 4711),
        "subprotocols": [],
        "headers": [(b"host", HOST.encode()), *headers],
    }
    communicator: Any = ApplicationCommunicator  # without types of its own
    socket = communicator(WebsocketAuthentication(WhoAmI.as_asgi()), scope)
    await socket.send_input({"type": "websocket.connect"})
    first = await socket.receive_output(5)
    if first["type"] == "websocket.close":
        return {"denied": True}
    assert first["type"] == "websocket.accept"
    message = await socket.receive_output(5)
    if message["type"] == "websocket.close":
        await socket.wait(LIMIT)
        return {"code": message["code"], "reason": message["reason"]}
    await socket.send_input({"type": "websocket.disconnect", "code": 1000})
    await socket.wait(LIMIT)
    return dict(json.loads(message["text"]))


@pytest.fixture
def cookie(alice: User) -> str:
    """The cookie header of alice's browser."""
    client = Client()
    client.force_login(alice)
    return "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())


@pytest.fixture
def token(alice: User) -> APIToken:
    """A token of alice's."""
    return APIToken.objects.create(
        owner=alice, name="laptop", digest=hashlib.sha256(SECRET.encode()).hexdigest(), prefix=SECRET[:8]
    )


async def test_browser_with_cookie_from_our_page(cookie: str) -> None:
    assert await knock(cookie=cookie, origin=OWN) == {"user": "alice", "token": None, "address": "192.0.2.7"}


async def test_program_with_token(token: APIToken) -> None:
    answer = await knock(authorization=f"Token {SECRET}")
    assert answer == {"user": "alice", "token": "laptop", "address": "192.0.2.7"}


async def test_program_with_token_and_our_origin(token: APIToken) -> None:
    assert (await knock(authorization=f"Bearer {SECRET}", origin=OWN))["user"] == "alice"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "", "http://127.0.0.1:9999", f"{OWN}.evil.example"]
)
async def test_foreign_page_is_denied(cookie: str, token: APIToken, origin: str) -> None:
    assert await knock(cookie=cookie, origin=origin) == {"denied": True}
    assert await knock(authorization=f"Token {SECRET}", origin=origin) == {"denied": True}
    assert await knock(origin=origin) == {"denied": True}


async def test_two_origins_are_denied(cookie: str) -> None:
    origins = [(b"origin", OWN.encode()), (b"origin", OWN.encode())]
    assert await knock_with([(b"cookie", cookie.encode()), *origins]) == {"denied": True}


async def test_cookie_without_origin_is_not_signed_in(cookie: str) -> None:
    assert await knock(cookie=cookie) == {"code": 4401, "reason": "not_signed_in"}


async def test_nobody() -> None:
    assert await knock(origin=OWN) == {"code": 4401, "reason": "not_signed_in"}
    assert await knock() == {"code": 4401, "reason": "not_signed_in"}
    assert await knock(origin=OWN, cookie="sessionid=made-up") == {"code": 4401, "reason": "not_signed_in"}


async def test_bad_tokens(token: APIToken) -> None:
    assert await knock(authorization="Token wrong") == {"code": 4401, "reason": "invalid_token"}
    assert await knock(authorization="Token") == {"code": 4401, "reason": "malformed_token"}
    token.expires_at = timezone.now() - timedelta(seconds=1)
    await token.asave()
    assert await knock(authorization=f"Token {SECRET}") == {"code": 4401, "reason": "token_expired"}


async def test_bad_token_does_not_fall_back_to_the_cookie(cookie: str) -> None:
    answer = await knock(authorization="Token wrong", cookie=cookie, origin=OWN)
    assert answer == {"code": 4401, "reason": "invalid_token"}


async def test_token_in_the_url_signs_nobody_in(token: APIToken) -> None:
    for name in ("token", "access_token", "authorization", "api_key"):
        answer = await knock_with([(b"origin", OWN.encode())], f"/ws/?{name}={SECRET}")
        assert answer == {"code": 4401, "reason": "not_signed_in"}


async def test_person_who_left(cookie: str, token: APIToken, alice: User) -> None:
    alice.is_active = False
    await alice.asave()
    assert await knock(cookie=cookie, origin=OWN) == {"code": 4401, "reason": "not_signed_in"}
    assert await knock(authorization=f"Token {SECRET}") == {"code": 4401, "reason": "user_inactive"}


async def test_changed_password_ends_the_session(cookie: str, alice: User) -> None:
    alice.set_password("another one entirely")
    await alice.asave()
    assert await knock(cookie=cookie, origin=OWN) == {"code": 4401, "reason": "not_signed_in"}


async def test_secure_connection_wants_a_secure_page(cookie: str, settings: Settings) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    told = [(b"cookie", cookie.encode()), (b"x-forwarded-proto", b"https")]
    assert await knock_with([*told, (b"origin", OWN.encode())]) == {"denied": True}
    secure = OWN.replace("http:", "https:").encode()
    assert (await knock_with([*told, (b"origin", secure)]))["user"] == "alice"


async def test_address_behind_a_trusted_proxy(token: APIToken, settings: Settings) -> None:
    settings.HEADNODE_TRUSTED_PROXIES = ["192.0.2.7/32"]
    headers = [(b"authorization", f"Token {SECRET}".encode()), (b"x-forwarded-for", b"203.0.113.9")]
    assert (await knock_with(headers))["address"] == "203.0.113.9"


@pytest.mark.parametrize(
    ("path", "scopes", "refused"),
    [
        ("/ws/jobs/abc/events/", ["read"], False),
        ("/ws/jobs/abc/events/", ["files"], True),
        ("/ws/terminal-sessions/abc/", ["terminal"], False),
        ("/ws/gateways/one/terminal-sessions/abc/", ["read", "jobs", "files", "settings", "admin"], True),
        ("/ws/new/", ["read", "jobs", "files", "terminal", "settings"], True),
    ],
)
async def test_a_token_needs_the_scope_of_the_websocket(
    alice: User, path: str, scopes: list[str], refused: bool
) -> None:
    digest = hashlib.sha256(SECRET.encode()).hexdigest()
    await APIToken.objects.acreate(owner=alice, name="x", digest=digest, prefix="hn_", scopes=scopes)
    answer = await knock_with([(b"authorization", f"Token {SECRET}".encode())], path)
    assert (answer == {"code": 4403, "reason": "scope_missing"}) == refused
    assert ("user" in answer) != refused
