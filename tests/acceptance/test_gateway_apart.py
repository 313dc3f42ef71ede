"""Shells live in a process of their own: web may die and they go on; when theirs stops, every browser reads why."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import websockets

from tests.acceptance.people import Person
from tests.sshgateway.client import Client
from tests.stack import Stack
from tests.waiting import LIMIT, wait_for

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def portal(stack: Stack) -> Stack:
    return stack


@pytest.fixture
def url(person: Person, jobs: Callable[..., str]) -> Callable[[], str]:
    """Open a terminal session on a node of a job that runs."""
    job = jobs(slots=1)

    def open_session() -> str:
        status, made = person.call("POST", "/api/v2/terminal-sessions/", {"job": job, "node": "head"})
        assert status == 201, made
        return str(made["websocketUrl"])

    return open_session


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """In a thread of its own: Playwright keeps a loop in this one when browser tests ran before."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(work())).result()


async def client_of(where: str, token: str) -> Client:
    """As a page does it: knock until the gateway has started."""
    async with asyncio.timeout(LIMIT):
        while True:
            with contextlib.suppress(websockets.InvalidHandshake, OSError):
                async with Client(where, token, says_hello=False):
                    return Client(where, token)
            await asyncio.sleep(0.1)


def test_the_address_names_the_gateway(url: Callable[[], str]) -> None:
    assert "/ws/gateways/main/terminal-sessions/" in url()


def test_a_shell_outlives_the_web_process(stack: Stack, person: Person, url: Callable[[], str]) -> None:
    async def work() -> None:
        where = url()
        async with Client(where, person.token) as client:
            await client.until_ready()
            await client.run("mark=before; echo $mark-$((1+1))", "before-2")
            await asyncio.to_thread(stack.kill, "web")
            # Not even the socket noticed: it is the gateway's own.
            await client.run("echo $mark-$((2+2))", "before-4")
            offset = client.offset
        await asyncio.to_thread(wait_for, lambda: person.call("GET", "/healthz")[0] == 200, "web is back")
        async with Client(where, person.token, offset=offset) as again:
            assert (await again.until_ready()).skipped == 0
            await again.run("echo $mark-$((3+3)); exit", "before-6")

    run(work)


def test_a_gateway_that_is_stopped_says_so_to_each_browser(
    stack: Stack, person: Person, url: Callable[[], str]
) -> None:
    async def work() -> None:
        async with Client(url(), person.token) as one, Client(url(), person.token) as two:
            await one.until_ready()
            await two.until_ready()
            await asyncio.to_thread(stack.kill, "gateway", signal.SIGTERM)
            for client in (one, two):
                await client.until_closed()
                assert client.end is not None
                assert (client.end.reason, client.end.final) == ("server_stopping", True)
                assert "Open a new one" in client.end.message
        async with await client_of(url(), person.token) as client:
            await client.until_ready()
            await client.run("echo new-$((1+1)); exit", "new-2")

    run(work)


def test_a_gateway_that_was_killed_is_named_when_the_browser_comes_back(
    stack: Stack, person: Person, url: Callable[[], str]
) -> None:
    async def work() -> None:
        where = url()
        async with Client(where, person.token) as client:
            await client.until_ready()
            await asyncio.to_thread(stack.kill, "gateway")
            await client.until_closed()
            assert client.end is None
        async with await client_of(where, person.token) as again:
            await again.until_closed()
            assert again.end is not None
            assert (again.end.reason, again.end.final) == ("gateway_lost", True)

    run(work)
