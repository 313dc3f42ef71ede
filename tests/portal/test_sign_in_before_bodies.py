"""Who sends a large body is known before it is read, and a body that is slow or too much for its sender is given up."""

import json
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, cast

import pytest
from django.conf import settings as portal_settings
from django.middleware import csrf
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import APIToken, User
from portal import body_limit, serving
from portal.asgi import django_application
from portal.body_limit import MEGABYTE
from tests.factories import StoredFileFactory, token_of
from tests.portal.counting_server import Counting, send, serving_with_limit
from tests.waiting import LIMIT, wait_for

pytestmark = pytest.mark.django_db(transaction=True)
UPLOAD = "/api/v2/files/contents/"
# More than the buffers of two sockets hold.
ENOUGH = 16 * MEGABYTE
SESSION = portal_settings.SESSION_COOKIE_NAME


@pytest.fixture(scope="module")
def application() -> Counting:
    return Counting()


@pytest.fixture(scope="module")
def port(application: Counting) -> Iterator[int]:
    with serving_with_limit(application) as port:
        yield port


def token(user: User) -> dict[str, str]:
    return {"Authorization": f"Token {token_of(user)}"}


def browser(user: User, **changes: str) -> dict[str, str]:
    """The headers of a page of the portal's that uploads a file."""
    client = Client()
    client.force_login(user)
    secret = csrf._get_new_csrf_string()  # type: ignore[attr-defined]  # as a page would have got it
    cookies = f"{SESSION}={client.cookies[SESSION].value}; {portal_settings.CSRF_COOKIE_NAME}={secret}"
    return {"Cookie": cookies, "X-CSRFToken": secret} | changes


def head(port: int, path: str, headers: dict[str, str], size: int | None = 400 * MEGABYTE) -> str:
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines.append("Transfer-Encoding: chunked" if size is None else f"Content-Length: {size}")
    return "\r\n".join(lines) + "\r\n\r\n"


def answer_to(port: int, request: str) -> tuple[int, dict[str, Any]]:
    """Send the head of a request and nothing of its body; return what is answered all the same."""
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as client:
        client.sendall(request.encode("latin-1"))
        said = b""
        while b"}" not in said:
            said += client.recv(4096)
    status, _, body = said.partition(b"\r\n\r\n")
    assert b"connection: close" in status.lower()
    return int(status.split()[1]), json.loads(body)


NOBODY: dict[str, dict[str, str]] = {
    "no credential": {},
    "nonsense": {"Authorization": "Token nonsense"},
    "an empty token": {"Authorization": "Token"},
    "another scheme": {"Authorization": "Basic YWxpY2U6eA=="},
    "bytes": {"Authorization": "Bearer \xff"},
    "a long token": {"Authorization": "Token " + "x" * 5000},
    "a session that nobody has": {"Cookie": f"{SESSION}=something"},
    "an empty session": {"Cookie": f"{SESSION}="},
    "another cookie": {"Cookie": "other=1"},
}


@pytest.mark.parametrize("size", [400 * MEGABYTE, 100_000, None])
@pytest.mark.parametrize("path", [UPLOAD, "/api/v3/files/contents/", "/api/v2/jobs/", "/api/v2/clusters/"])
@pytest.mark.parametrize("who", NOBODY)
def test_nobody_is_refused_at_once(
    port: int, application: Counting, who: str, path: str, size: int | None
) -> None:
    application.seen = -1
    status, body = answer_to(port, head(port, path, NOBODY[who], size))
    assert status == 401
    assert body["detail"]
    assert body["reason"] in ("not_authenticated", "invalid_token", "malformed_token")
    assert application.seen == -1, "nothing reached Django"


def test_who_was_somebody_once_is_nobody(port: int, alice: User, bob: User) -> None:
    past, inactive = token(alice), token(bob)
    APIToken.objects.filter(owner=alice).update(expires_at=timezone.now())
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert answer_to(port, head(port, UPLOAD, past))[1]["reason"] == "token_expired"
    assert answer_to(port, head(port, UPLOAD, inactive))[1]["reason"] == "user_inactive"


def test_a_page_uploads_with_its_session_and_csrf_token(port: int, alice: User) -> None:
    assert send(port, UPLOAD, 3 * MEGABYTE, browser(alice))[0] == 200
    for wrong in ({"X-CSRFToken": "x" * 32}, {"Origin": "http://evil.example.org"}, {"X-CSRFToken": ""}):
        status, body = answer_to(port, head(port, UPLOAD, browser(alice, **wrong)))
        assert (status, body["reason"]) == (403, "csrf_failed"), wrong


def test_a_session_ends_with_its_password_and_its_person(port: int, alice: User) -> None:
    headers = browser(alice)
    alice.set_password("another horse battery")
    alice.save()
    assert answer_to(port, head(port, UPLOAD, headers))[0] == 401
    headers = browser(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert answer_to(port, head(port, UPLOAD, headers))[0] == 401


@pytest.mark.parametrize("chunked", [False, True])
def test_a_client_that_sends_first_reads_the_refusal(port: int, chunked: bool) -> None:
    headers = NOBODY["nonsense"] | ({"Transfer-Encoding": "chunked"} if chunked else {})
    status, kind, text = send(port, UPLOAD, 40 * MEGABYTE, headers, chunked=chunked)
    assert (status, kind) == (401, "application/json")
    assert json.loads(text) == {"detail": "Invalid token.", "reason": "invalid_token"}


def test_small_bodies_take_the_usual_way(port: int) -> None:
    assert send(port, "/api/v2/jobs/", 64 * 1024, NOBODY["nonsense"])[0] == 200


@pytest.mark.parametrize("chunked", [False, True])
def test_the_quota_is_checked_before_and_while_a_file_arrives(
    port: int, settings: Settings, alice: User, bob: User, chunked: bool
) -> None:
    settings.HEADNODE_UPLOAD_QUOTA_MB = 10
    StoredFileFactory.create(owner=alice, type_id=1, size=8 * MEGABYTE)
    StoredFileFactory.create(owner=bob, type_id=5, size=8 * MEGABYTE)  # an output does not count
    more = {"Transfer-Encoding": "chunked"} if chunked else {}
    status, _, text = send(port, UPLOAD, 3 * MEGABYTE, token(alice) | more, chunked=chunked)
    assert (status, json.loads(text)["reason"]) == (413, "upload_quota_exceeded")
    assert "10 MB together, and 2.0 MB of that are left" in text
    assert send(port, UPLOAD, 1 * MEGABYTE, token(alice) | more, chunked=chunked)[0] == 200
    assert send(port, UPLOAD, 3 * MEGABYTE, token(bob) | more, chunked=chunked)[0] == 200


def test_uploads_at_once_count_together(port: int, settings: Settings, alice: User) -> None:
    """The first sends 6 of 9 MB and waits; the second would be too much with it, and is not once it is gone."""
    settings.HEADNODE_UPLOAD_QUOTA_MB = 10
    headers = token(alice)
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as first:
        first.sendall(head(port, UPLOAD, headers, 9 * MEGABYTE).encode() + bytes(6 * MEGABYTE))
        wait_for(lambda: send(port, UPLOAD, 5 * MEGABYTE, headers)[0] == 413, "the first counts")
    wait_for(lambda: send(port, UPLOAD, 5 * MEGABYTE, headers)[0] == 200, "it is gone")


def test_a_slow_body_is_given_up(port: int, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limit, "BODY_GRACE_SECONDS", 0.3)
    for path, headers in ((UPLOAD, token(alice)), ("/accounts/login/", {})):
        with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as client:
            client.sendall(head(port, path, headers, 50_000).encode() + b"x")
            stop = threading.Event()
            drip = threading.Thread(target=_drip, args=(client, stop))
            drip.start()
            try:
                said = client.recv(4096)
                while b"given up" not in said:
                    said += client.recv(4096)
            finally:
                stop.set()
                drip.join()
        assert said.startswith(b"HTTP/1.1 408"), path
        assert b"too slowly" in said


def _drip(client: socket.socket, stop: threading.Event) -> None:
    """Send a byte every 20 ms: it never falls silent, and never gets anywhere."""
    while not stop.wait(0.02):
        try:
            client.sendall(b"x")
        except OSError:
            return


def test_a_body_that_is_slow_because_the_application_is_passes(
    port: int, application: Counting, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_limit, "BODY_GRACE_SECONDS", 3.0)
    monkeypatch.setattr(application, "pause", 0.2)
    assert send(port, UPLOAD, 2 * MEGABYTE, token(alice))[0] == 200


@pytest.mark.parametrize("before", [b"", b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_slow_headers_are_given_up(port: int, monkeypatch: pytest.MonkeyPatch, before: bytes) -> None:
    """On a fresh connection, and on one that has served a request."""
    monkeypatch.setattr(serving, "REQUEST_SECONDS", 0.5)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        if before:
            client.sendall(before)
            assert _status(client) == 200
        client.sendall(b"GET /x HTTP/1.1\r\nX: ")
        stop = threading.Event()
        drip = threading.Thread(target=_drip, args=(client, stop))
        drip.start()
        try:
            said = _until_closed(client)
        finally:
            stop.set()
            drip.join()
    assert said == b""


def test_blank_lines_keep_no_connection(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a request they end the server's wait for the next one."""
    monkeypatch.setattr(serving, "REQUEST_SECONDS", 2.0)
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as client:
        client.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        assert _status(client) == 200
        client.sendall(b"\r\n")
        assert _until_closed(client) == b""


@pytest.mark.parametrize("start", [b"GET /", b"GET / HTTP/1.1\r\nX: ", b"GET / HTTP/1.1\r\n"])
def test_a_head_has_a_largest_size(port: int, start: bytes) -> None:
    """A target, one header, and many headers: the server keeps all of a head in memory."""
    piece = b"abcd: efgh\r\n" * 500 if start.endswith(b"\n") else b"x" * 6000
    assert _sent_until_refused(port, start, piece) < ENOUGH


def test_what_follows_a_body_has_a_largest_size(port: int) -> None:
    """Trailers and chunk extensions: neither is part of the body, which has a limit of its own."""
    start = b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    for after in (start + b"0\r\n", start + b"1;a="):
        piece = b"abcd: efgh\r\n" * 500 if after.endswith(b"\n") else b"x" * 6000
        assert _sent_until_refused(port, after, piece) < ENOUGH


def test_a_large_head_within_the_limit_passes(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as client:
        client.sendall(
            b"GET /x HTTP/1.1\r\nHost: x\r\nCookie: " + b"c" * (serving.LARGEST_HEAD - 200) + b"\r\n\r\n"
        )
        assert client.recv(4096).startswith(b"HTTP/1.1 200")


def _sent_until_refused(port: int, start: bytes, piece: bytes) -> int:
    """Send a request's beginning and then pieces without end; return how many bytes went out before the end came."""
    sent = 0
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as client:
        try:
            client.sendall(start)
            while sent < ENOUGH:
                client.sendall(piece)
                sent += len(piece)
        except ConnectionError:
            pass
    return sent


def _status(client: socket.socket) -> int:
    """The status of one whole response: its head and its body may come in two pieces."""
    with HTTPResponse(client) as response:
        response.begin()
        response.read()
        return response.status


def _until_closed(client: socket.socket) -> bytes:
    said = b""
    try:
        while data := client.recv(4096):
            said += data
    except ConnectionError:
        pass
    return said


def test_nothing_is_spooled(port: int, tmp_path: Path, settings: Settings) -> None:
    """The real application behind the limit: 400 MB announced and partly sent leave no file."""
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    with serving_with_limit(cast(Any, django_application)) as real:
        assert send(real, UPLOAD, 30 * MEGABYTE, NOBODY["nonsense"])[0] == 401
    assert list(tmp_path.iterdir()) == []
