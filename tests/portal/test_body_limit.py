"""A body that is too large is refused while it arrives, with a sentence, before Django stores it."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn
from django.conf import settings as portal_settings
from pytest_django import Settings
from starlette.types import Receive, Scope, Send

from portal.asgi import application as portal
from portal.body_limit import MEGABYTE, BodyLimit
from tests.waiting import wait_for

UPLOAD = "/api/v2/files/contents/"
SIGNED = {"Authorization": "Token x"}
SMALL = portal_settings.DATA_UPLOAD_MAX_MEMORY_SIZE


class Counting:
    """An application that reads a body as Django does, keeps nothing, and says how much there was."""

    seen = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            self.seen += len(message.get("body", b""))
            if not message.get("more_body", False):
                break
        body = str(self.seen).encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def application() -> Counting:
    return Counting()


@pytest.fixture(scope="module")
def port(application: Counting) -> Iterator[int]:
    """A real uvicorn with the limit around the application."""
    server = uvicorn.Server(uvicorn.Config(BodyLimit(application), log_level="error", lifespan="off"))
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        wait_for(lambda: server.started, "uvicorn starts")
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(20)


def send(
    port: int, path: str, size: int, headers: dict[str, str] | None = None, *, chunked: bool = False
) -> Any:
    """POST that many bytes like a simple client: all of it first, then the answer is read."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        piece = b"x" * 65536
        whole, rest = divmod(size, len(piece))
        pieces = [piece] * whole + [piece[:rest]] * (rest > 0)
        body = iter(pieces) if chunked else b"".join(pieces)
        connection.request("POST", path, body, headers or {}, encode_chunked=chunked)
        answer = connection.getresponse()
        return answer.status, answer.getheader("content-type"), answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("path", ["/settings/job/keys/", "/api/v2/jobs/", "/context/v1/register/"])
def test_the_limit_itself_passes(port: int, path: str, chunked: bool) -> None:
    headers = {"Transfer-Encoding": "chunked"} if chunked else {}
    assert send(port, path, SMALL, headers, chunked=chunked)[::2] == (200, str(SMALL))


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [SMALL + 1, 10 * MEGABYTE])
def test_a_page_answers_a_huge_paste_with_a_sentence(
    port: int, application: Counting, size: int, chunked: bool
) -> None:
    headers = {"Transfer-Encoding": "chunked"} if chunked else {}
    status, kind, text = send(port, "/settings/job/keys/", size, headers, chunked=chunked)
    assert (status, kind) == (413, "text/plain; charset=utf-8")
    assert "at most 2 MB" in text
    assert application.seen <= SMALL


def test_the_api_answers_with_json(port: int) -> None:
    status, kind, text = send(port, "/api/v2/jobs/", SMALL + 1, SIGNED)
    assert (status, kind) == (413, "application/json")
    assert json.loads(text)["reason"] == "too_large"


@pytest.mark.parametrize("version", ["v2", "v3"])
@pytest.mark.parametrize(
    "headers", [SIGNED, {"Cookie": f"a=b; {portal_settings.SESSION_COOKIE_NAME}=something"}]
)
def test_a_file_may_be_big(port: int, version: str, headers: dict[str, str]) -> None:
    assert send(port, f"/api/{version}/files/contents/", 3 * MEGABYTE, headers)[0] == 200


@pytest.mark.parametrize("headers", [{}, {"Cookie": "other=1"}])
def test_from_nobody_not_even_a_file(port: int, headers: dict[str, str]) -> None:
    assert send(port, UPLOAD, 3 * MEGABYTE, headers)[0] == 413


@pytest.mark.parametrize("path", ["/api/v2/files/contents/x", "/api/v1/files/contents/", "/x" + UPLOAD])
def test_nowhere_else(port: int, path: str) -> None:
    assert send(port, path, 3 * MEGABYTE, SIGNED)[0] == 413


@pytest.mark.parametrize("chunked", [False, True])
def test_a_file_has_a_limit_too(port: int, settings: Settings, chunked: bool) -> None:
    settings.HEADNODE_MAX_UPLOAD_MB = 1
    headers = SIGNED | ({"Transfer-Encoding": "chunked"} if chunked else {})
    status, _, text = send(port, UPLOAD, 2 * MEGABYTE, headers, chunked=chunked)
    assert status == 413
    assert "at most 1 MB" in text


def test_who_waits_to_be_asked_is_answered_at_once(port: int) -> None:
    """Nothing of the announced body is sent; the answer comes all the same."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        head = f"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {2**40}\r\n\r\n"
        client.sendall(head.encode())
        said = b""
        while data := client.recv(4096):
            said += data
    assert said.startswith(b"HTTP/1.1 413")


async def test_the_portal_has_it_around_everything() -> None:
    """The real application, asked without a server."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(portal), base_url="http://127.0.0.1"
    ) as client:
        for path in ("/accounts/login/", "/api/v2/users/me/ssh-keys/", "/settings/job/keys/"):
            answer = await client.post(path, content=b"x" * (SMALL + 1))
            assert answer.status_code == 413, path
