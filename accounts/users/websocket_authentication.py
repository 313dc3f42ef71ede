"""Sign-in for websockets: a browser by its session cookie and a checked Origin, a program by its token.

Consumers behind it find `user`, `api_token` (None for a browser) and `source_address` in their scope.
Nothing in a URL ever signs anybody in. Nobody else gets through:

- from a page of another site: the handshake is denied (403), nothing is opened;
- not signed in: opened and closed at once with 4401 and a reason word, which a browser can read;
- a session cookie without an Origin counts as not signed in.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.sessions import CookieMiddleware, SessionMiddleware
from django.conf import settings

from accounts import source_address
from accounts.users import origins, token_authentication

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

NOT_SIGNED_IN = 4401
FORBIDDEN = 4403


class SignIn:
    """Lets a websocket through to `inner` when it is somebody's; needs `scope["session"]`."""

    def __init__(self, inner: Application) -> None:
        self.inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check Origin, then token, then session; set the scope; pass on or close."""
        headers = _headers(scope)
        if "origin" in headers and not _own_origin(scope, headers):
            await _deny(receive, send)
            return
        scope = {**scope, "source_address": source_address.source_address_of_scope(scope), "api_token": None}
        try:
            secret = token_authentication.secret_in(headers.get("authorization", ""))
            if secret is not None:
                check = database_sync_to_async(token_authentication.check)
                scope["user"], scope["api_token"] = await check(secret)
                await self.inner(scope, receive, send)
                return
        except token_authentication.TokenRefused as refusal:
            await close(receive, send, NOT_SIGNED_IN, refusal.reason)
            return
        user = await get_user(scope) if "origin" in headers else None
        if user is None or not user.is_authenticated or not user.is_active:
            await close(receive, send, NOT_SIGNED_IN, "not_signed_in")
            return
        scope["user"] = user
        await self.inner(scope, receive, send)


class WebsocketAuthentication:
    """Puts `inner` behind cookies, session and sign-in; the one wrapper `asgi.py` needs."""

    def __init__(self, inner: Application) -> None:
        self._sign_in = SignIn(inner)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sign in, or close."""

        async def signed_in(scope: Scope, receive: Receive, _: Send) -> None:
            # Our own `send`: that of the middleware looks at the session before each message, and none changes it.
            await self._sign_in(scope, receive, send)

        await CookieMiddleware(SessionMiddleware(signed_in))(scope, receive, send)


async def close(receive: Receive, send: Send, code: int, reason: str) -> None:
    """Accept the handshake and close at once: only then can a browser read code and reason."""
    if (await receive())["type"] != "websocket.connect":
        return
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": code, "reason": reason})


async def _deny(receive: Receive, send: Send) -> None:
    """Refuse the handshake itself; the server answers 403."""
    if (await receive())["type"] == "websocket.connect":
        await send({"type": "websocket.close", "code": FORBIDDEN, "reason": "foreign_origin"})


def _headers(scope: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers, names in lower case. A repeated one is joined, so that it matches nothing."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope.get("headers") or ():
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _own_origin(scope: Mapping[str, Any], headers: Mapping[str, str]) -> bool:
    host = headers.get("host", "")
    if settings.USE_X_FORWARDED_HOST:
        host = headers.get("x-forwarded-host", host)
    return origins.is_own(
        headers["origin"], host, _secure(scope, headers), _allowed_hosts(), settings.CSRF_TRUSTED_ORIGINS
    )


def _secure(scope: Mapping[str, Any], headers: Mapping[str, str]) -> bool:
    if settings.SECURE_PROXY_SSL_HEADER:
        name, secure_value = settings.SECURE_PROXY_SSL_HEADER
        told = headers.get(name.removeprefix("HTTP_").replace("_", "-").lower())
        if told is not None:
            return told.split(",", 1)[0].strip() == secure_value
    return scope.get("scheme") in ("wss", "https")


def _allowed_hosts() -> list[str]:
    """Return ALLOWED_HOSTS, with Django's own default for development."""
    if settings.DEBUG and not settings.ALLOWED_HOSTS:
        return [".localhost", "127.0.0.1", "[::1]"]
    return list(settings.ALLOWED_HOSTS)
