"""Write the bodies of uploads (tus) to the disk while they arrive.

Django would first store a whole body elsewhere, and lose all of it when the line drops. So it gets such a request
without its body, and checks it as every other request: sign-in, limits, headers, owner. If it accepts, the body is then
written through the `UploadWriter` that its view handed over, and its response is sent after the last byte. Memory is
bounded: while one batch is written, the next arrives, and no more.
"""

import asyncio
import contextlib
import json
import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from channels.db import database_sync_to_async
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from accounts.refusals import Refused
from accounts.rest.errors import refusal_body
from jobs.api.upload_body import SCOPE_KEY, HandOver, headers_of
from jobs.api.uploads import OFFSET_TYPE
from jobs.storage.refusal_reasons import UploadRefusal
from jobs.storage.upload_writer import UploadWriter
from jobs.storage.uploads import delete_upload

log = logging.getLogger(__name__)

ROUTE = re.compile(r"/api/v[23]/uploads/([A-Za-z0-9_-]+/?)?\Z")
BATCH = 1024 * 1024
# After so long without a byte the lock is released, so that the client can continue on another line.
STALL_SECONDS = 20.0
# How much of a body that is refused is dropped, so that the client reads why.
MAX_DROPPED = 64 * 1024 * 1024
DROP_SECONDS = 15.0
# Disks do not get faster by more of them.
_WRITERS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="upload")

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def carries_upload(scope: Scope) -> bool:
    """Whether the request brings bytes of an upload."""
    if scope["method"] not in ("PATCH", "POST") or ROUTE.match(scope["path"]) is None:
        return False
    kind = next((value for name, value in scope["headers"] if name.lower() == b"content-type"), b"")
    return bool(kind.decode("latin-1").partition(";")[0].strip().lower() == OFFSET_TYPE)


class UploadStream:
    """Passes every request to `inner`, those with bytes of uploads without their body."""

    def __init__(self, inner: ASGIApp) -> None:
        self.inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not carries_upload(scope):
            await self.inner(scope, receive, send)
            return
        hand_over, answer, body = HandOver(), _Answer(), _Body(receive)
        try:
            await self.inner({**scope, SCOPE_KEY: hand_over}, _no_body(), answer.keep)
            if hand_over.writer is not None and answer.is_good:
                try:
                    await _write(hand_over.writer, body)
                    if body.is_gone:
                        return
                    answer.set_headers(await _in_thread(headers_of, hand_over.writer.upload))
                except Refused as refused:
                    if body.is_gone:
                        return
                    answer = _Answer.of(refused, answer)
        finally:
            if hand_over.writer is not None:
                # Also when the server stops: what has arrived is kept.
                await asyncio.shield(_in_thread(hand_over.writer.close))
                if body.is_gone and scope["method"] == "POST":
                    # Its client never learned the upload's URL.
                    await asyncio.shield(_in_thread(delete_upload, hand_over.writer.upload))
        await _send(answer, body, send)


class _Body:
    """The body of a request while it arrives."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.has_ended = False
        self.is_gone = False

    async def next(self) -> bytes:
        """Return the next bytes; `has_ended` or `is_gone` tell that there are no more."""
        message = await self._receive()
        self.is_gone = message["type"] == "http.disconnect"
        self.has_ended = self.is_gone or not message.get("more_body", False)
        return bytes(message.get("body", b""))

    async def drop(self) -> None:
        """Read and drop the rest, within bounds."""
        dropped = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DROP_SECONDS):
                while not self.has_ended and dropped < MAX_DROPPED:
                    dropped += len(await self.next())


class _Answer:
    """A response that is kept until the body has arrived."""

    def __init__(self) -> None:
        self.start: Message = {"type": "http.response.start", "status": 500, "headers": []}
        self.content = b""

    @classmethod
    def of(cls, refused: Refused, accepted: "_Answer") -> "_Answer":
        """Return a refusal as REST framework would render it; an upload that was created can still be continued."""
        answer = cls()
        answer.content = json.dumps(refusal_body(refused)).encode()
        answer.start["status"] = refused.status
        answer.start["headers"] = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(answer.content)).encode()),
            (b"tus-resumable", b"1.0.0"),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            *(pair for pair in accepted.start["headers"] if pair[0].lower() == b"location"),
        ]
        return answer

    @property
    def is_good(self) -> bool:
        """Whether the request was accepted."""
        return 200 <= int(self.start["status"]) < 300

    async def keep(self, message: Message) -> None:
        """Take a message of the response."""
        if message["type"] == "http.response.start":
            self.start = message
        else:
            self.content += message.get("body", b"")

    def set_headers(self, headers: dict[str, str]) -> None:
        """Replace headers of the response."""
        names = {b"upload-offset", b"upload-expires", b"upload-file-id"}
        kept = [pair for pair in self.start["headers"] if pair[0].lower() not in names]
        self.start["headers"] = kept + [(n.lower().encode(), v.encode()) for n, v in headers.items()]


def _no_body() -> Receive:
    """Return what the application receives instead: an empty body, and then nothing more."""
    is_sent = False

    async def receive() -> Message:
        nonlocal is_sent
        if is_sent:
            await asyncio.Event().wait()  # until the application has answered, and cancels this
        is_sent = True
        return {"type": "http.request", "body": b"", "more_body": False}

    return receive


async def _write(writer: UploadWriter, body: _Body) -> None:
    """Write the body as it arrives. Raises Refused; what arrived before a line dropped is kept by `close`."""
    waiting, size = [], 0
    writing: asyncio.Future[None] | None = None
    try:
        while not body.has_ended:
            try:
                async with asyncio.timeout(STALL_SECONDS):
                    data = await body.next()
            except TimeoutError:
                raise Refused(
                    UploadRefusal.STALLED,
                    f"Nothing arrived for {STALL_SECONDS:g} seconds. What had arrived is kept: continue from there.",
                    status=408,
                ) from None
            if data:
                waiting.append(data)
                size += len(data)
            if waiting and (size >= BATCH or writing is None or writing.done()):
                if writing is not None:
                    await asyncio.shield(
                        writing
                    )  # who is cancelled must wait for the thread before it closes the file
                writing = asyncio.ensure_future(_in_thread(writer.write, b"".join(waiting)))
                waiting, size = [], 0
    finally:
        if writing is not None:
            await asyncio.shield(writing)
            writing = None
        if waiting:
            await asyncio.shield(_in_thread(writer.write, b"".join(waiting)))
    if not body.is_gone:
        await asyncio.shield(_in_thread(writer.finish))


async def _in_thread(
    function: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs
) -> Result:
    """Call a function that may wait for the disk or the database."""
    call: Any = database_sync_to_async(function, thread_sensitive=False, executor=_WRITERS)
    result: Result = await call(*arguments, **named)
    return result


async def _send(answer: _Answer, body: _Body, send: Send) -> None:
    """Send the response. If a body is not read to its end, read some of it, so that the client can read why."""
    if not body.has_ended and answer.is_good:
        await body.drop()  # it was empty
    closes = not body.has_ended
    if closes:
        answer.start["headers"] = [*answer.start["headers"], (b"connection", b"close")]
    await send(answer.start)
    await send({"type": "http.response.body", "body": answer.content, "more_body": closes})
    if closes:
        await body.drop()
        await send({"type": "http.response.body", "body": b""})
