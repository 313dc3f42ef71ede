"""`Prefer: wait=N`: the answer waits for something new, within limits, and holds nothing else up."""

import asyncio
import time
from typing import Any

import pytest
from channels.layers import get_channel_layer
from pytest_django import Settings
from starlette.types import Message, Receive, Scope, Send

from jobs.events import job_log
from portal import long_poll
from portal.long_poll import LongPoll

EVENTS = "/api/v2/jobs/abc/events/"
STATUSES = "/api/v3/jobs/abc/statuses/"
NOTHING = (200, b'{"results": []}')
SOMETHING = (200, b'{"results": [{"sequence": 7}]}')


@pytest.fixture(autouse=True)
def _layer(settings: Settings) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


class Portal:
    """An application that gives these answers, the last one again and again."""

    def __init__(self, *answers: tuple[int, bytes]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "http.request"
        status, body = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        await send({"type": "http.response.start", "status": status, "headers": [(b"etag", b'"x"')]})
        await send({"type": "http.response.body", "body": body})


async def get(
    app: LongPoll, path: str = EVENTS, prefer: str | None = "wait=5", method: str = "GET", leave: float = 60
) -> tuple[int, bytes, dict[bytes, bytes], float]:
    """Return status, body, headers and for how long it took; the client leaves after so many seconds."""
    sent: list[Message] = []
    asked = False

    async def receive() -> Message:
        nonlocal asked
        if asked:
            await asyncio.sleep(leave)
            return {"type": "http.disconnect"}
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"authorization", b"Token hn_x")] + (
        [(b"prefer", prefer.encode())] if prefer is not None else []
    )
    scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "headers": headers}
    begun = time.monotonic()
    await app(scope, receive, send)
    took = time.monotonic() - begun
    if not sent:
        return 0, b"", {}, took
    return sent[0]["status"], sent[1]["body"], dict(sent[0]["headers"]), took


async def test_something_new_is_answered_at_once() -> None:
    status, body, headers, took = await get(LongPoll(Portal(SOMETHING)))
    assert (status, body) == SOMETHING and took < 1
    assert headers[b"preference-applied"] == b"wait=5" and headers[b"etag"] == b'"x"'


@pytest.mark.parametrize(("path", "old"), [(EVENTS, NOTHING), (STATUSES, (304, b"")), (EVENTS, (304, b""))])
async def test_it_waits_until_the_followers_are_woken(path: str, old: tuple[int, bytes]) -> None:
    portal = Portal(old, old, SOMETHING)
    asking = asyncio.create_task(get(LongPoll(portal), path, "wait=30"))
    layer = get_channel_layer()
    assert layer is not None
    while portal.asked < 2:
        await asyncio.sleep(0.01)
    await layer.group_send(job_log.group_name("abc"), {"type": job_log.MESSAGE_TYPE})
    status, body, _, took = await asking
    assert (status, body) == SOMETHING and took < long_poll.READ_EVERY_SECONDS
    assert portal.asked == 3


async def test_what_happens_before_there_is_a_follower_is_not_missed() -> None:
    _, body, _, took = await get(LongPoll(Portal(NOTHING, SOMETHING)))
    assert body == SOMETHING[1] and took < 2


async def test_a_lost_message_costs_some_seconds_only(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHANNEL_LAYERS = {}  # as with Redis away
    monkeypatch.setattr(long_poll, "READ_EVERY_SECONDS", 0.7)
    _, body, _, took = await get(LongPoll(Portal(NOTHING, NOTHING, SOMETHING)), prefer="wait=30")
    assert body == SOMETHING[1] and took < 5


async def test_when_time_is_up_it_says_that_there_is_nothing() -> None:
    status, body, _, took = await get(LongPoll(Portal(NOTHING)), prefer="wait=1")
    assert (status, body) == NOTHING and 0.9 < took < 3


async def test_nothing_is_sent_to_a_client_that_left() -> None:
    portal = Portal(NOTHING)
    status, _, _, took = await get(LongPoll(portal), prefer="wait=50", leave=0.3)
    assert status == 0 and took < 5 and portal.asked <= 3


@pytest.mark.parametrize(
    ("path", "prefer", "method"),
    [
        (EVENTS, None, "GET"),
        (EVENTS, "", "GET"),
        (EVENTS, "wait=0", "GET"),
        (EVENTS, "wait=-1", "GET"),
        (EVENTS, "wait=x", "GET"),
        (EVENTS, "wait=1.5", "GET"),
        (EVENTS, "await=9", "GET"),
        (EVENTS, "return=minimal", "GET"),
        (EVENTS, "wait=" + "9" * 400, "GET"),
        (EVENTS, "wait=9", "POST"),
        ("/api/v2/jobs/abc/", "wait=9", "GET"),
        ("/api/v2/jobs/a/b/events/", "wait=9", "GET"),
    ],
)
async def test_all_else_is_answered_at_once(path: str, prefer: str | None, method: str) -> None:
    status, _, headers, took = await get(LongPoll(Portal(NOTHING)), path, prefer, method)
    assert status == 200 and took < 0.5
    assert b"preference-applied" not in headers


async def test_a_refusal_is_answered_at_once() -> None:
    for answer in ((401, b"{}"), (404, b"{}"), (429, b"{}"), (200, b"no json"), (200, b"[]")):
        assert (await get(LongPoll(Portal(answer))))[3] < 0.5


@pytest.mark.parametrize("prefer", ["respond-async, wait=100", "WAIT=99999", 'wait="61"', "wait = 70; x=y"])
async def test_the_time_is_limited(prefer: str) -> None:
    assert (await get(LongPoll(Portal(SOMETHING)), prefer=prefer))[2][b"preference-applied"] == b"wait=60"


async def test_one_credential_holds_so_many_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_poll, "MOST_OF_ONE", 3)
    app = LongPoll(Portal(NOTHING))
    took = sorted(
        [found[3] for found in await asyncio.gather(*(get(app, prefer="wait=1") for _ in range(5)))]
    )
    assert took[1] < 0.5 < 0.9 < took[2]
    assert app._waiting.total() == 0
