"""A body that is too large is refused while it arrives, with a sentence, before Django stores it."""

import json
import socket
from collections.abc import Iterator

import httpx
import pytest
from django.conf import settings as portal_settings
from pytest_django import Settings

from accounts.models import User
from portal.asgi import application as portal
from portal.body_limit import MEGABYTE
from tests.factories import token_of
from tests.portal.counting_server import Counting, send, serving_with_limit
from tests.waiting import LIMIT, wait_for

pytestmark = pytest.mark.django_db(transaction=True)
UPLOAD = "/api/v2/files/contents/"
SMALL = portal_settings.DATA_UPLOAD_MAX_MEMORY_SIZE


@pytest.fixture(scope="module")
def application() -> Counting:
    return Counting()


@pytest.fixture(scope="module")
def port(application: Counting) -> Iterator[int]:
    with serving_with_limit(application) as port:
        yield port


@pytest.fixture
def signed(alice: User) -> dict[str, str]:
    """The header of somebody who is signed in."""
    return {"Authorization": f"Token {token_of(alice)}"}


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("path", ["/settings/job/keys/", "/api/v2/jobs/", "/context/v1/register/"])
def test_the_limit_itself_passes(port: int, signed: dict[str, str], path: str, chunked: bool) -> None:
    headers = signed | ({"Transfer-Encoding": "chunked"} if chunked else {})
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


def test_the_api_answers_with_json(port: int, signed: dict[str, str]) -> None:
    status, kind, text = send(port, "/api/v2/jobs/", SMALL + 1, signed)
    assert (status, kind) == (413, "application/json")
    assert json.loads(text)["reason"] == "too_large"


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_a_file_may_be_big(port: int, version: str, signed: dict[str, str]) -> None:
    assert send(port, f"/api/{version}/files/contents/", 3 * MEGABYTE, signed)[0] == 200


@pytest.mark.parametrize("path", ["/api/v2/files/contents/x", "/api/v1/files/contents/", "/x" + UPLOAD])
def test_nowhere_else(port: int, path: str, signed: dict[str, str]) -> None:
    assert send(port, path, 3 * MEGABYTE, signed)[0] == 413


RUN_FILE = "/api/v2/jobs/Ab12cd/tree/content/"


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("method", "status"), [("PUT", 200), ("PATCH", 413), ("POST", 413), ("DELETE", 413)])
def test_a_file_for_a_node_may_be_big_and_the_json_about_it_may_not(
    port: int, signed: dict[str, str], method: str, status: int, chunked: bool
) -> None:
    headers = signed | ({"Transfer-Encoding": "chunked"} if chunked else {})
    assert send(port, RUN_FILE, 3 * MEGABYTE, headers, chunked=chunked, method=method)[0] == status


def test_files_for_nodes_at_once_count_together(
    port: int, settings: Settings, signed: dict[str, str]
) -> None:
    """They wait on the portal's disk while they arrive, whatever the quota of uploads says."""
    settings.HEADNODE_MAX_UPLOAD_MB = 10
    settings.HEADNODE_UPLOAD_QUOTA_MB = 1
    lines = [f"PUT {RUN_FILE} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Length: {9 * MEGABYTE}"]
    lines += [f"{name}: {value}" for name, value in signed.items()]
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as first:
        first.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + bytes(6 * MEGABYTE))
        wait_for(
            lambda: send(port, RUN_FILE, 5 * MEGABYTE, signed, method="PUT")[0] == 413, "the first counts"
        )
        answer = send(port, RUN_FILE, 5 * MEGABYTE, signed, method="PUT")
        assert "10 MB together" in json.loads(answer[2])["detail"]
    wait_for(lambda: send(port, RUN_FILE, 5 * MEGABYTE, signed, method="PUT")[0] == 200, "it is gone")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_file_has_a_limit_too(port: int, settings: Settings, signed: dict[str, str], chunked: bool) -> None:
    settings.HEADNODE_MAX_UPLOAD_MB = 1
    headers = signed | ({"Transfer-Encoding": "chunked"} if chunked else {})
    status, _, text = send(port, UPLOAD, 2 * MEGABYTE, headers, chunked=chunked)
    assert status == 413
    assert "at most 1 MB" in text


def test_who_waits_to_be_asked_is_answered_at_once(port: int) -> None:
    """Nothing of the announced body is sent; the answer comes all the same."""
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as client:
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
        for path in ("/accounts/login/", "/api-token-auth/", "/settings/job/keys/"):
            answer = await client.post(path, content=b"x" * (SMALL + 1))
            assert answer.status_code == 413, path
        assert (await client.post(UPLOAD, content=b"x" * (SMALL + 1))).status_code == 401
