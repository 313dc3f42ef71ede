"""Limit request bodies while they arrive: who may send them, how large they may be, how slow.

Django writes the whole body to a temporary file before a view or the authentication runs. So here, before a large body
is read, its sender must be signed in; then the bytes are counted as they arrive, also those of a body without a
declared length, and a body that arrives too slowly is given up. Nothing is stored. A refusal (401, 403, 408 or 413) is
sent at once. Simple clients read it only after sending, so the rest of the body is read and dropped, within bounds,
before the connection is closed.
"""

import asyncio
import contextlib
import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jobs.storage.refusal_reasons import FileRefusal
from jobs.storage.upload_quota import quota_sentence
from portal.body_sign_in import NotSignedIn, Sender, identify
from portal.errors import is_for_programs
from portal.upload_stream import carries_upload

MEGABYTE = 1024 * 1024
API = re.compile(r"/api/v[23]/")
UPLOAD = re.compile(r"/api/v[23]/files/contents/\Z")
# A file for a run's folder on its node: as large as an upload. Nothing of it is kept here, but it is while it arrives,
# so those of one person count together.
RUN_FILE = re.compile(r"/api/v[23]/jobs/[^/]+/tree/content/\Z")
# A body of the API up to this size is not worth a sign-in of its own.
SMALL_BODY = 64 * 1024
# How much is dropped so that the client reads the response; a client that sends more or slower is cut off.
MAX_DROPPED = 64 * MEGABYTE
DROP_SECONDS = 15.0
# How long a body may take: some seconds, and one more for each of these bytes. The slowest networks manage more.
BODY_GRACE_SECONDS = 20.0
SLOWEST_BYTES_PER_SECOND = 4096


Arriving = tuple[int, bool]


@dataclass(frozen=True)
class Refusal:
    """Why a body is not read on."""

    status: int
    reason: str
    sentence: str


class BodyLimit:
    """Passes a request to `inner` while its body stays within the limits of its path and its sender."""

    def __init__(self, inner: ASGIApp) -> None:
        self.inner = inner
        # Bytes that arrive now and are not stored yet, by the id of their sender and whether they go to a node.
        self._arriving: Counter[Arriving] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """1. Refuse what declares too much or comes from nobody. 2. Count what arrives. 3. Refuse too much."""
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        headers = _headers(scope)
        body = _Body(receive, send, scope["path"], self._arriving)
        body.refusal = await _refusal_before(scope, headers, body)
        try:
            if body.refusal is None:
                await self.inner(scope, body.receive, body.send)
        finally:
            body.forget()
        if body.refusal is not None and not body.response_started:
            # A client that waits for "100 Continue" has sent nothing yet.
            await _refuse(body, body.refusal, drops=headers.get("expect", "").lower() != "100-continue")


class _Body:
    """The body of one request. Once refused, the application is told that the client has disconnected."""

    def __init__(self, receive: Receive, send: Send, path: str, arriving: Counter[Arriving]) -> None:
        self._receive, self._send = receive, send
        self.path = path
        self.limit = 0
        self.sender: Sender | None = None
        self.is_run_file = False
        self.size = 0
        self.ended = False
        self.refusal: Refusal | None = None
        self.response_started = False
        self._arriving = arriving
        self._counted = 0
        self._waited = 0.0

    def refusal_of(self, size: int) -> Refusal | None:
        """Return why a body of so many bytes is refused."""
        if size > self.limit:
            return Refusal(
                413,
                "too_large",
                f"The request is too large: at most {self.limit / MEGABYTE:g} MB are taken here.",
            )
        if self.sender is not None:
            others = self._arriving[self._key(self.sender)] - self._counted
            if self.is_run_file:
                return _together(self.limit) if size + others > self.limit else None
            room = self.sender.uploads.room - others
            # The form around the file is not stored.
            if size > room + SMALL_BODY:
                return Refusal(413, FileRefusal.QUOTA_EXCEEDED, quota_sentence(max(0, room)))
        return None

    async def receive(self) -> Message:
        if self.refusal is None:
            if self.ended:
                return await self._receive()  # the client disconnects, some time
            try:
                message = await self._next_in_time()
            except TimeoutError:
                self.refusal = Refusal(408, "too_slow", "The request arrived too slowly and was given up.")
                return {"type": "http.disconnect"}
            self._count()
            self.refusal = self.refusal_of(self.size)
            if self.refusal is None:
                return message
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.response_started = True
        await self._send(message)

    def forget(self) -> None:
        """Count the body no longer among those that arrive."""
        if self.sender is not None:
            key = self._key(self.sender)
            self._arriving[key] -= self._counted
            if self._arriving[key] <= 0:
                del self._arriving[key]
        self._counted = 0

    async def drop(self) -> None:
        """Read and drop the rest, within bounds."""
        most = self.size + MAX_DROPPED
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DROP_SECONDS):
                while not self.ended and self.size < most:
                    await self._next()

    def _count(self) -> None:
        if self.sender is not None:
            self._arriving[self._key(self.sender)] += self.size - self._counted
            self._counted = self.size

    def _key(self, sender: Sender) -> Arriving:
        return sender.person_id, self.is_run_file

    async def _next_in_time(self) -> Message:
        """Return the next part. Only the time that the client takes counts, not that of the application."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        allowed = BODY_GRACE_SECONDS + self.size / SLOWEST_BYTES_PER_SECOND - self._waited
        try:
            async with asyncio.timeout(allowed):
                return await self._next()
        finally:
            self._waited += loop.time() - began

    async def _next(self) -> Message:
        message = await self._receive()
        self.size += len(message.get("body", b""))
        self.ended = not message.get("more_body", False)
        return message


def _together(limit: int) -> Refusal:
    return Refusal(
        413,
        "too_large",
        f"The files that you send to nodes at the same time may have {limit / MEGABYTE:g} MB together. "
        "Wait until another one has arrived.",
    )


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


async def _refusal_before(scope: Scope, headers: dict[str, str], body: "_Body") -> Refusal | None:
    """Set the body's limits. Return why it is not read at all, as far as its headers tell."""
    path, size = scope["path"], _declared_size(headers)
    is_upload = UPLOAD.match(path) is not None
    # A part of an upload has had its room since the upload was announced.
    # Only the file itself: other requests to this path are JSON, which is read into memory.
    body.is_run_file = scope["method"] == "PUT" and RUN_FILE.match(path) is not None
    is_large = is_upload or carries_upload(scope) or body.is_run_file
    body.limit = (
        settings.HEADNODE_MAX_UPLOAD_MB * MEGABYTE if is_large else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    )
    if API.match(path) and (size > SMALL_BODY or "transfer-encoding" in headers):
        try:
            sender = await identify(scope)
        except NotSignedIn as refusal:
            return Refusal(refusal.status, refusal.reason, refusal.message)
        if is_upload or body.is_run_file:
            body.sender = sender
    return body.refusal_of(size)


def _declared_size(headers: dict[str, str]) -> int:
    """Return what Content-Length says; 0 without one."""
    declared = headers.get("content-length", "")
    # Python refuses int() of a few thousand digits.
    return int(declared[:18] + "0" * (len(declared) > 18)) if declared.isdecimal() else 0


async def _refuse(body: _Body, refusal: Refusal, *, drops: bool) -> None:
    """Send the refusal, read on so that the client can read it, and end the response, which closes the connection."""
    kind, text = "text/plain; charset=utf-8", f"{refusal.sentence}\n"
    if is_for_programs(body.path):
        kind = "application/json"
        text = json.dumps({"detail": refusal.sentence, "reason": refusal.reason})
    content = text.encode()
    headers: list[Any] = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(content)).encode()),
        # What was not read must not be parsed as the next request.
        (b"connection", b"close"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if refusal.status == 401:
        headers.append((b"www-authenticate", b"Token"))
    await body.send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await body.send({"type": "http.response.body", "body": content, "more_body": True})
    if drops:
        await body.drop()
    await body.send({"type": "http.response.body", "body": b""})
