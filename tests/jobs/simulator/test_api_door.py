"""A node's programs reach the portal's API with the key of their own job, and nothing else of the portal."""

import asyncio
import json
from typing import Any

import pytest

from jobs.simulator.cloud.api_door import APIDoor, door_port

KEY = "hnj_Ab12cd_" + "0" * 64


def answer(path: str = "/api/v2/ping/", *keys: str) -> tuple[int, str]:
    """What the door of cluster Ab12cd answers; the portal behind it is not there, so what passes is a 502."""
    sent: list[Any] = []

    async def receive() -> Any:
        raise AssertionError("it has no body")

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"authorization", key.encode()) for key in keys or (f"Token {KEY}",)]
    raw, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": "GET",
        "raw_path": raw.encode(),
        "query_string": query.encode(),
        "headers": [(b"host", b"127.0.0.1:4780"), *headers],
    }

    async def knock() -> None:
        door = APIDoor("Ab12cd", "http://127.0.0.1:9/context/v1/", "127.20.0.9")  # nobody listens there
        await door._answer(scope, receive, send)
        await door.close()

    asyncio.run(knock())
    return sent[0]["status"], json.loads(sent[1]["body"])["reason"]


@pytest.mark.parametrize(
    "path", ["/api/v2/ping/", "/api/v3/jobs/Zz99zz/", "/api/v2/files/?page=2&x=/metrics"]
)
def test_the_api_is_let_through(path: str) -> None:
    assert answer(path) == (502, "portal_silent")
    assert answer(path, f"bearer {KEY}") == (502, "portal_silent")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/metrics",
        "/context/v1/register",
        "/accounts/login/",
        "/api-token-auth/",
        "/api/schema/",
        "/api/v1/jobs/",
        "/api/v2/../../metrics",
        "/api/v2/%2e%2e/%2e%2e/metrics",
        "/api/v2/./ping/",
        "/api/v2//metrics",
        "/api/v2/ping/\n",
        "//127.0.0.1/metrics",
        "http://127.0.0.1/metrics",
    ],
)
def test_the_rest_of_the_portal_is_not(path: str) -> None:
    assert answer(path) == (403, "not_offered")


@pytest.mark.parametrize(
    "keys",
    [
        ("",),
        (KEY,),
        ("Token hn_0123456789",),
        (f"Token {KEY.replace('Ab12cd', 'Ab12ce')}",),
        (f"Token {KEY} x",),
        (f"Basic {KEY}",),
        (f"Token {KEY}", "Token hn_0123456789"),
    ],
)
def test_another_key_is_not(keys: tuple[str, ...]) -> None:
    assert answer("/api/v2/ping/", *keys) == (403, "not_offered")


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://127.0.0.1:4780/", 4780),
        ("https://headnode.example.org/", None),
        ("http://10.0.0.1:4780/", None),
        ("https://127.0.0.1:4780/", None),
        ("", None),
    ],
)
def test_a_door_is_made_for_the_nodes_own_loopback(url: str, port: int | None) -> None:
    assert door_port(url) == port
