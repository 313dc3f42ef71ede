"""Authenticate websockets: browsers by session cookie and Origin, programs by API token.

Consumers find `user`, `api_token` (None for a browser) and `source_address` in their scope. Nothing in a URL is ever
accepted as a credential. Other connections are refused:

- from a page of another site: the handshake is denied (403);
- not signed in: accepted and closed at once with 4401 and a reason, which a browser can read;
- by a token without the scope that the websocket needs, or by the key of a job: closed with 4403 and `scope_missing`;
- a session cookie without an Origin header counts as not signed in.
"""

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Any

from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.sessions import CookieMiddleware, SessionMiddleware
from django.conf import settings

from accounts import source_address
from accounts.refusal_reasons import RefusalReason
from accounts.refusals import Refused
from accounts.users import derived_keys, origins, scope_checks, token_authentication

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

NOT_SIGNED_IN = 4401
FORBIDDEN = 4403


class SignInReason(StrEnum):
    """The reason in the close frame of a websocket without a valid sign-in; also any TokenRefusalReason."""

    NOT_SIGNED_IN = "not_signed_in"
    FOREIGN_ORIGIN = "foreign_origin"


class SignIn:
    """Pass authenticated websockets to `inner`. Needs `scope["session"]`."""

    def __init__(self, inner: Application) -> None:
        self.inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check Origin, then token, then session. Complete the scope and call `inner`, or close."""
        headers = _headers(scope)
        if "origin" in headers and not _own_origin(scope, headers):
            await _deny(receive, send)
            return
        scope = {**scope, "source_address": source_address.source_address_of_scope(scope), "api_token": None}
        try:
            secret = token_authentication.read_secret(headers.get("authorization", ""))
            if secret is not None and derived_keys.check_of(secret) is not None:
                await close(receive, send, FORBIDDEN, RefusalReason.SCOPE_MISSING)
                return
            if secret is not None:
                check = database_sync_to_async(token_authentication.check_token)
                scope["user"], scope["api_token"] = await check(secret, scope["source_address"])
                scope_checks.check_websocket(scope["api_token"], scope.get("path", ""))
                await self.inner(scope, receive, send)
                return
        except token_authentication.TokenRefused as refusal:
            await close(receive, send, NOT_SIGNED_IN, refusal.reason)
            return
        except Refused as refusal:  # its scopes do not reach
            await close(receive, send, FORBIDDEN, refusal.reason)
            return
        user = await get_user(scope) if "origin" in headers else None
        if user is None or not user.is_authenticated or not user.is_active:
            await close(receive, send, NOT_SIGNED_IN, SignInReason.NOT_SIGNED_IN)
            return
        scope["user"] = user
        await self.inner(scope, receive, send)


class WebsocketAuthentication:
    """Wrap `inner` in cookies, session and sign-in."""

    def __init__(self, inner: Application) -> None:
        self._sign_in = SignIn(inner)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Authenticate and call `inner`, or close."""

        async def signed_in(scope: Scope, receive: Receive, _: Send) -> None:
            # The outer `send`: the middleware's checks before each message whether the session changed; it never does.
            await self._sign_in(scope, receive, send)

        await CookieMiddleware(SessionMiddleware(signed_in))(scope, receive, send)


async def close(receive: Receive, send: Send, code: int, reason: str) -> None:
    """Accept the handshake and close at once, because a browser can read code and reason only then."""
    if (await receive())["type"] != "websocket.connect":
        return
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": code, "reason": str(reason)})


async def _deny(receive: Receive, send: Send) -> None:
    """Deny the handshake. The server replies 403."""
    if (await receive())["type"] == "websocket.connect":
        await send({"type": "websocket.close", "code": FORBIDDEN, "reason": SignInReason.FOREIGN_ORIGIN})


def _headers(scope: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers by lower-case name. Repeated ones are joined, so that the value matches nothing."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope.get("headers") or ():
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _own_origin(scope: Mapping[str, Any], headers: Mapping[str, str]) -> bool:
    host = headers.get("host", "")
    if settings.USE_X_FORWARDED_HOST:
        host = headers.get("x-forwarded-host", host)
    return origins.is_own_origin(
        headers["origin"], host, _secure(scope, headers), _allowed_hosts(), settings.CSRF_TRUSTED_ORIGINS
    )


def _secure(scope: Mapping[str, Any], headers: Mapping[str, str]) -> bool:
    if settings.SECURE_PROXY_SSL_HEADER:
        name, secure_value = settings.SECURE_PROXY_SSL_HEADER
        scheme = headers.get(name.removeprefix("HTTP_").replace("_", "-").lower())
        if scheme is not None:
            return scheme.split(",", 1)[0].strip() == secure_value
    return scope.get("scheme") in ("wss", "https")


def _allowed_hosts() -> list[str]:
    """Return ALLOWED_HOSTS, or Django's default for development."""
    if settings.DEBUG and not settings.ALLOWED_HOSTS:
        return [".localhost", "127.0.0.1", "[::1]"]
    return list(settings.ALLOWED_HOSTS)
