"""`Prefer: wait=N` (RFC 7240) on statuses and events of a job: the answer waits until there is something new.

A request that waits holds no thread and no database connection: it is asked again, through everything that every
request passes (sign-in, permissions, limits), when the job's followers are woken, and every few seconds in case a
message was lost. It waits for statuses that the client has (`If-None-Match` with their ETag), and for events after a
sequence that is the last one. All else, and a request beyond the limits, is answered at once.
"""

import asyncio
import contextlib
import hashlib
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from channels.layers import get_channel_layer
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jobs.events import job_log

WAITED_FOR = re.compile(r"/api/v[23]/jobs/([A-Za-z0-9_-]{1,64})/(statuses|events)/\Z", re.ASCII)
WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?([0-9]{1,6})\"?\s*(?=[,;]|$)", re.ASCII | re.IGNORECASE)
LONGEST_SECONDS = 60
# In case a message was lost.
READ_EVERY_SECONDS = 4.0
# A job that prints much wakes its followers often.
SHORTEST_PAUSE_SECONDS = 0.5
# Requests that wait in this process at once: of one credential, and of all.
MOST_OF_ONE = 20
MOST_OF_ALL = 1000
# A list larger than this says something new.
MOST_READ = 64 * 1024


@dataclass
class _Answer:
    """An answer of the application, kept until it is decided whether to send it."""

    messages: list[Message] = field(default_factory=list)

    async def send(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"]) if self.messages else 0

    def says_nothing_new(self, kind: str) -> bool:
        """Return whether the client has it: 304; or a page of events without any."""
        if self.status == 304:
            return True
        if kind != "events" or self.status != 200:
            return False
        body = b"".join(message.get("body", b"") for message in self.messages[1:])
        if len(body) > MOST_READ:
            return False
        with contextlib.suppress(ValueError):
            page = json.loads(body)
            return isinstance(page, dict) and page.get("results") == []
        return False


class LongPoll:
    """Passes requests to `inner`; those that prefer to wait, again until there is something new."""

    def __init__(self, inner: ASGIApp) -> None:
        self.inner = inner
        self._waiting: Counter[bytes] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, at once or when there is something new."""
        found = WAITED_FOR.match(scope["path"]) if scope["type"] == "http" else None
        seconds = _preferred(scope) if found and scope["method"] == "GET" else 0
        who = _credential(scope) if seconds else b""
        if found is None or not seconds or not self._has_room(who):
            await self.inner(scope, receive, send)
            return
        self._waiting[who] += 1
        try:
            await self._wait(scope, receive, send, found, seconds)
        finally:
            self._waiting[who] -= 1
            self._waiting += Counter()  # drops those who wait no more

    def _has_room(self, who: bytes) -> bool:
        return self._waiting[who] < MOST_OF_ONE and self._waiting.total() < MOST_OF_ALL

    async def _wait(
        self, scope: Scope, receive: Receive, send: Send, found: re.Match[str], seconds: int
    ) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        gone = asyncio.create_task(_disconnected(receive))
        try:
            answer = await self._ask(scope)
            if answer.says_nothing_new(found[2]):
                async with _woken(found[1]) as woken:
                    while answer.says_nothing_new(found[2]) and not gone.done():
                        # First without a pause: something may have happened before there was a follower.
                        answer = await self._ask(scope)
                        left = end - loop.time()
                        if not answer.says_nothing_new(found[2]) or left <= 0:
                            break
                        await _pause(gone, woken, left)
            if not gone.done():
                await _pass_on(answer, send, seconds)
        finally:
            gone.cancel()

    async def _ask(self, scope: Scope) -> _Answer:
        answer = _Answer()
        asked = False

        async def receive() -> Message:
            nonlocal asked
            if asked:  # the application listens for the end of the connection, which is not its concern here
                await asyncio.Event().wait()
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}

        await self.inner(dict(scope), receive, answer.send)
        return answer


def _preferred(scope: Mapping[str, Any]) -> int:
    """Return for how many seconds the client prefers to wait, within the limit; 0 if it does not."""
    headers = [value.decode("latin-1") for name, value in scope["headers"] if name == b"prefer"]
    found = WAIT.search(", ".join(headers))
    return min(int(found[1]), LONGEST_SECONDS) if found else 0


def _credential(scope: Mapping[str, Any]) -> bytes:
    """Return a digest that stands for whoever asks: of the token or cookie, else of the address."""
    found = [value for name, value in scope["headers"] if name in (b"authorization", b"cookie")]
    peer = str((scope.get("client") or ("",))[0]).encode()
    return hashlib.sha256(b"\0".join(found) or peer).digest()


async def _disconnected(receive: Receive) -> None:
    """Return when the client is gone. What a GET has for a body is dropped."""
    while (await receive())["type"] != "http.disconnect":
        pass


@contextlib.asynccontextmanager
async def _woken(job_id: str) -> AsyncIterator[asyncio.Event]:
    """Yield an event that is set whenever the job's followers are woken; never, if Redis is away."""
    event = asyncio.Event()
    follower = asyncio.create_task(_follow(job_id, event))
    try:
        # Until it follows, or cannot.
        await asyncio.wait(
            {follower, ready := asyncio.create_task(event.wait())}, timeout=1.0, return_when="FIRST_COMPLETED"
        )
        ready.cancel()
        event.clear()
        yield event
    finally:
        follower.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await follower


async def _follow(job_id: str, event: asyncio.Event) -> None:
    """Set the event once the job is followed, and at each message."""
    layer = get_channel_layer()
    if layer is None:
        return
    group = job_log.group_name(job_id)
    channel = await layer.new_channel()
    await layer.group_add(group, channel)
    try:
        while True:
            event.set()
            await layer.receive(channel)
    finally:
        await layer.group_discard(group, channel)


async def _pause(gone: "asyncio.Task[None]", woken: asyncio.Event, left: float) -> None:
    """Wait until there may be something new, the client is gone or no time is left; a moment at least."""
    await asyncio.wait({gone}, timeout=min(SHORTEST_PAUSE_SECONDS, left))
    rest = min(READ_EVERY_SECONDS, left) - SHORTEST_PAUSE_SECONDS
    if gone.done() or rest <= 0:
        return
    waking = asyncio.create_task(woken.wait())
    await asyncio.wait({gone, waking}, timeout=rest, return_when=asyncio.FIRST_COMPLETED)
    waking.cancel()
    woken.clear()


async def _pass_on(answer: _Answer, send: Send, seconds: int) -> None:
    """Send the answer, and say that it could have waited."""
    for message in answer.messages:
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", ()), (b"preference-applied", b"wait=%d" % seconds)]
            message = {**message, "headers": headers}
        await send(message)
