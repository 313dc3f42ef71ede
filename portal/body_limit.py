"""Limit the size of request bodies while they arrive, before Django stores them.

Django writes the whole body to a temporary file before a view or the authentication runs. Here the bytes are counted as
they arrive, also those of a body without a declared length; nothing is stored. A larger body is refused with 413 and a
sentence. Clients read the response only after sending, so the rest of the body is read and dropped, within bounds.
"""

import asyncio
import contextlib
import json
import re
from typing import Any

from django.conf import settings
from django.http import parse_cookie
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portal.errors import is_for_programs

MEGABYTE = 1024 * 1024
UPLOAD = re.compile(r"/api/v[23]/files/contents/\Z")
# How much is dropped so that the client reads the response; a client that sends more or slower is cut off.
MAX_DROPPED = 64 * MEGABYTE
DROP_SECONDS = 15.0


class BodyLimit:
    """Passes a request to `inner` while its body stays within the limit of its path."""

    def __init__(self, inner: ASGIApp) -> None:
        self.inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """1. Refuse a body that declares too much. 2. Count what arrives. 3. Refuse a body that turns out too large."""
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        headers = _headers(scope)
        body = _Body(receive, send, _limit(scope["path"], headers))
        declared = headers.get("content-length", "")
        # Python refuses int() of a few thousand digits.
        body.too_much = declared.isdecimal() and (len(declared) > 18 or int(declared) > body.limit)
        if not body.too_much:
            await self.inner(scope, body.receive, body.send)
        if not body.too_much or body.response_started:
            return
        # A client that waits for "100 Continue" has sent nothing yet and reads the response at once.
        if headers.get("expect", "").lower() != "100-continue":
            await body.drop()
        await _refuse(scope["path"], body.limit, send)


class _Body:
    """The body of one request. Beyond the limit, the application is told that the client has disconnected."""

    def __init__(self, receive: Receive, send: Send, limit: int) -> None:
        self._receive, self._send = receive, send
        self.limit = limit
        self.size = 0
        self.ended = False
        self.too_much = False
        self.response_started = False

    async def receive(self) -> Message:
        if not self.too_much:
            message = await self._next()
            if self.size <= self.limit:
                return message
            self.too_much = True
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.response_started = True
        await self._send(message)

    async def drop(self) -> None:
        """Read and drop the rest, within bounds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DROP_SECONDS):
                while not self.ended and self.size < MAX_DROPPED:
                    await self._next()

    async def _next(self) -> Message:
        message = await self._receive()
        self.size += len(message.get("body", b""))
        self.ended = not message.get("more_body", False)
        return message


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _limit(path: str, headers: dict[str, str]) -> int:
    """Return the limit in bytes: large for uploads with a credential, small for everything else."""
    if UPLOAD.match(path) and ("authorization" in headers or _has_session(headers)):
        return int(settings.HEADNODE_MAX_UPLOAD_MB) * MEGABYTE
    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def _has_session(headers: dict[str, str]) -> bool:
    return settings.SESSION_COOKIE_NAME in parse_cookie(headers.get("cookie", ""))


async def _refuse(path: str, limit: int, send: Send) -> None:
    sentence = f"The request is too large: at most {limit / MEGABYTE:g} MB are taken here."
    kind, text = "text/plain; charset=utf-8", f"{sentence}\n"
    if is_for_programs(path):
        kind, text = "application/json", json.dumps({"detail": sentence, "reason": "too_large"})
    content = text.encode()
    headers: list[Any] = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(content)).encode()),
        # What was not read must not be parsed as the next request.
        (b"connection", b"close"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": content})
