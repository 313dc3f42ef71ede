"""Uploads over tus, through the portal's own server: what arrives is kept, and everything else is refused."""

import base64
import hashlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from django.middleware import csrf
from django.test import Client
from pytest_django import Settings
from starlette.types import ASGIApp

from accounts.models import AuditEvent, User
from jobs.models import StoredFile, Upload
from jobs.storage import file_names, upload_content
from jobs.storage.upload_content import Content, path_of, size_on_disk
from portal import upload_stream
from portal.asgi import django_application
from portal.upload_stream import UploadStream
from tests.api import client_of
from tests.factories import token_of
from tests.jobs.api.tus import OFFSET_TYPE, URL, Tus, metadata, reason
from tests.portal.counting_server import serving_with_limit
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
MEGABYTE = 1024 * 1024
DATA = bytes(range(256)) * 4096 * 3  # 3 MB


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving_with_limit(UploadStream(cast("ASGIApp", django_application))) as port:
        yield port


@pytest.fixture
def tus(port: int, alice: User) -> Tus:
    return Tus(port, {"Authorization": f"Token {token_of(alice)}"})


def checksum(algorithm: str, data: bytes) -> str:
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"


def test_the_whole_of_it(tus: Tus, alice: User) -> None:
    path = tus.create(len(DATA), "wing mesh.dat")
    assert tus.offset(path) == 0
    assert json.loads(tus.send("GET", path).text)["fileId"] is None

    first = tus.patch(path, 0, DATA[:MEGABYTE])
    assert (first.status, first.getheader("Upload-Offset")) == (204, str(MEGABYTE))
    assert first.getheader("Upload-Expires").endswith("GMT")
    last = tus.patch(path, MEGABYTE, DATA[MEGABYTE:])

    assert (last.status, last.getheader("Upload-Offset")) == (204, str(len(DATA)))
    file = StoredFile.objects.get(owner=alice)
    assert json.loads(tus.send("GET", path).text)["fileId"] == file.pk == last.getheader("Upload-File-Id")
    assert (file.name, file.relative_path, file.size, file.type_id) == (
        "wing mesh.dat",
        "wing mesh.dat",
        len(DATA),
        1,
    )
    assert file.sha512 == hashlib.sha512(DATA).hexdigest()
    assert file.md5 == hashlib.md5(DATA).hexdigest()
    with file.file.open("rb") as content:
        assert content.read() == DATA
    assert AuditEvent.objects.get(action="jobs:file:uploaded").object_id == file.pk
    assert not path_of(path.split("/")[-2]).exists()
    # It is the row that Rescale's upload makes, so everything of the API has it.
    listed = client_of(alice).get("/api/v2/files/").json()["results"][0]
    assert (listed["id"], listed["decryptedSize"]) == (file.pk, len(DATA))


def test_the_first_request_may_bring_everything(tus: Tus, alice: User) -> None:
    answer = tus.send(
        "POST",
        URL,
        b"hello",
        upload_length="5",
        content_type=OFFSET_TYPE,
        upload_metadata=metadata(filename="a.txt", relativePath="case/sub/a.txt"),
    )
    assert (answer.status, answer.getheader("Upload-Offset")) == (201, "5")
    file = StoredFile.objects.get(pk=answer.getheader("Upload-File-Id"))
    assert (file.name, file.relative_path) == ("a.txt", "case/sub/a.txt")


def test_a_first_request_that_breaks_off_leaves_nothing(tus: Tus, port: int) -> None:
    """Its client never learned the URL, so nobody could continue it."""
    head = {"Upload-Length": "10", "Upload-Metadata": metadata(filename="a"), "Content-Type": OFFSET_TYPE}
    lines = [f"POST {URL} HTTP/1.1", "Host: 127.0.0.1", "Content-Length: 10"]
    lines += [f"{name}: {value}" for name, value in (tus.headers | head).items()]
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n12345")
        wait_for(Upload.objects.exists, "it has begun")
    wait_for(lambda: not Upload.objects.exists(), "it is given up")


def test_an_empty_file_is_complete_at_once(tus: Tus) -> None:
    answer = tus.send("POST", URL, upload_length="0", upload_metadata=metadata(filename="empty"))
    assert StoredFile.objects.get(pk=answer.getheader("Upload-File-Id")).size == 0


def test_what_arrived_before_the_line_dropped_is_kept(tus: Tus, alice: User) -> None:
    path = tus.create(len(DATA))
    with tus.begin_patch(path, 0, len(DATA), DATA[: 2 * MEGABYTE]):
        pass
    wait_for(lambda: tus.offset(path) == 2 * MEGABYTE, "what arrived is saved")
    assert tus.patch(path, 2 * MEGABYTE, DATA[2 * MEGABYTE :]).status == 204
    assert StoredFile.objects.get(owner=alice).sha512 == hashlib.sha512(DATA).hexdigest()


def test_another_process_continues_without_its_memory(tus: Tus, alice: User) -> None:
    path = tus.create(len(DATA))
    tus.patch(path, 0, DATA[:1000])
    upload_content.remembered.take(path.split("/")[-2], -1)
    # As a process leaves it that was killed after it wrote, and before it saved.
    with path_of(path.split("/")[-2]).open("ab") as part:
        part.write(b"not confirmed")
    assert tus.offset(path) == 1000
    assert tus.patch(path, 1000, DATA[1000:]).status == 204
    assert StoredFile.objects.get(owner=alice).sha512 == hashlib.sha512(DATA).hexdigest()


def test_a_kill_before_the_file_is_stored_loses_nothing(tus: Tus, alice: User) -> None:
    path = tus.create(4)
    upload_id = path.split("/")[-2]
    path_of(upload_id).parent.mkdir(exist_ok=True)
    path_of(upload_id).write_bytes(b"data")
    Upload.objects.filter(pk=upload_id).update(received=4)
    assert tus.offset(path) == 4
    file_id = json.loads(tus.send("GET", path).text)["fileId"]
    assert StoredFile.objects.get(pk=file_id).sha512 == hashlib.sha512(b"data").hexdigest()
    assert json.loads(tus.send("GET", path).text)["fileId"] == file_id


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_checksums(tus: Tus, algorithm: str) -> None:
    path = tus.create(8)
    wrong = tus.patch(path, 0, b"dada", upload_checksum=checksum(algorithm, b"data"))
    assert reason(wrong) == (460, "upload_checksum_mismatch")
    assert tus.offset(path) == 0
    assert tus.patch(path, 0, b"data", upload_checksum=checksum(algorithm, b"data")).status == 204
    assert tus.patch(path, 4, b"more", upload_checksum=checksum(algorithm, b"more")).status == 204
    assert StoredFile.objects.get().sha512 == hashlib.sha512(b"datamore").hexdigest()


def test_a_body_with_a_checksum_counts_whole_or_not_at_all(tus: Tus) -> None:
    path = tus.create(len(DATA))
    with tus.begin_patch(
        path, 0, len(DATA), DATA[: 2 * MEGABYTE], **{"Upload-Checksum": checksum("sha1", DATA)}
    ):
        wait_for(lambda: size_on_disk(path.split("/")[-2]) > 0, "something is written")
    wait_for(lambda: tus.patch(path, 0, b"").status == 204, "the lock is released")
    assert tus.offset(path) == 0


def is_locked(path: Path) -> bool:
    """Return whether somebody holds a lock on a file (proc_locks(5)), without trying to take it."""
    inode = str(path.stat().st_ino) if path.exists() else "none"
    return any(line.split()[5].endswith(f":{inode}") for line in Path("/proc/locks").read_text().splitlines())


def test_two_at_once(tus: Tus) -> None:
    path = tus.create(10)
    with tus.begin_patch(path, 0, 10, b"first"):
        # Looked at from outside: a request that tried would take the lock from the first.
        wait_for(lambda: is_locked(path_of(path.split("/")[-2])), "the first has the lock")
        second = tus.patch(path, 0, b"second")
        assert reason(second) == (423, "upload_locked")
        assert second.getheader("Retry-After") == "1"
        assert reason(tus.send("DELETE", path)) == (423, "upload_locked")
    wait_for(lambda: tus.offset(path) == 5, "the first is kept")


def test_a_client_that_stalls_releases_the_lock(tus: Tus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_stream, "STALL_SECONDS", 0.2)
    path = tus.create(10)
    with tus.begin_patch(path, 0, 10, b"first") as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 408")
        assert tus.patch(path, 5, b"later").status == 204


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_long(tus: Tus, chunked: bool) -> None:
    path = tus.create(4)
    body: Any = iter([b"data", b"more"]) if chunked else b"datamore"
    assert reason(tus.patch(path, 0, body)) == (413, "upload_too_long")
    assert tus.offset(path) in ((0, 4) if chunked else (0,))
    assert not StoredFile.objects.exists()


def test_a_body_without_a_length(tus: Tus) -> None:
    path = tus.create(8)
    assert tus.patch(path, 0, iter([b"data", b"more"])).status == 204
    assert StoredFile.objects.get().size == 8


BAD = [
    ({"upload_length": ""}, 400, "upload_length_invalid"),
    ({"upload_length": "-1"}, 400, "upload_length_invalid"),
    ({"upload_length": "9" * 5000}, 400, "upload_length_invalid"),
    ({"upload_length": "999999999999999999"}, 413, "too_large"),
    ({"upload_metadata": ""}, 400, "upload_metadata_invalid"),
    ({"upload_metadata": "filename !!"}, 400, "upload_metadata_invalid"),
    ({"upload_metadata": "filename YQ==,filename YQ=="}, 400, "upload_metadata_invalid"),
    ({"upload_metadata": "relativePath YQ=="}, 400, "upload_metadata_invalid"),
    ({"upload_metadata": metadata(filename="..")}, 400, "file_name_invalid"),
    ({"upload_metadata": metadata(filename="a/b")}, 400, "file_name_invalid"),
    ({"upload_metadata": metadata(filename=b"a\0b")}, 400, "file_name_invalid"),
    ({"upload_metadata": metadata(filename="x" * 256)}, 400, "file_name_invalid"),
    ({"upload_metadata": metadata(filename="a", relativePath="../a")}, 400, "file_name_invalid"),
    ({"upload_metadata": metadata(filename="a", relativePath="/etc/a")}, 400, "file_name_invalid"),
    ({"upload_metadata": metadata(filename="a", relativePath="b/c")}, 400, "file_name_invalid"),
    ({"upload_metadata": metadata(filename="a", relativePath="d/" * 600 + "a")}, 400, "file_name_invalid"),
    ({"upload_metadata": metadata(filename="a", typeId="5")}, 400, "file_type_invalid"),
    ({"upload_metadata": metadata(filename="a", typeId="x")}, 400, "file_type_invalid"),
    ({"upload_concat": "partial"}, 400, "tus_extension_unknown"),
    ({"upload_checksum": "md5 YQ=="}, 400, "upload_checksum_invalid"),
    ({"tus_resumable": "0.2.2"}, 412, "tus_version_unknown"),
]


@pytest.mark.parametrize(("headers", "status", "why"), BAD)
def test_what_no_upload_begins_with(tus: Tus, headers: dict[str, str], status: int, why: str) -> None:
    good = {"upload_length": "4", "upload_metadata": metadata(filename="a.txt")}
    answer = tus.send("POST", URL, **(good | headers))  # type: ignore[arg-type]  # a header may be named as a parameter is
    if why == "file_type_invalid" and "typeId" in answer.text:
        assert answer.status == status
    else:
        assert reason(answer) == (status, why)
    assert not Upload.objects.exists()


def test_a_length_must_be_told(tus: Tus) -> None:
    answer = tus.send("POST", URL, upload_metadata=metadata(filename="a"), upload_defer_length="1")
    assert reason(answer) == (400, "upload_length_missing")


@pytest.mark.parametrize(
    ("headers", "status", "why"),
    [
        ({"upload_offset": "1"}, 409, "upload_offset_wrong"),
        ({"upload_offset": "x"}, 400, "upload_offset_invalid"),
        ({"content_type": "text/plain"}, 415, "upload_content_type"),
        ({"upload_checksum": "sha1 ="}, 400, "upload_checksum_invalid"),
    ],
)
def test_what_no_upload_goes_on_with(tus: Tus, headers: dict[str, str], status: int, why: str) -> None:
    path = tus.create(4)
    assert reason(tus.patch(path, 0, b"data", **headers)) == (status, why)
    assert tus.offset(path) == 0


@pytest.mark.parametrize(
    "raw", [b"caf\xe9.dat", "\u3000wide&\u200d.txt".encode(), b"-rf", b"a\nb", b"%41\xff"]
)
def test_names_are_kept_byte_for_byte(tus: Tus, raw: bytes) -> None:
    tus.create(0, raw)
    file = StoredFile.objects.get()
    assert file_names.to_bytes(file.name, file.is_escaped) == raw
    assert raw not in str(file.file.name).encode()


def test_others_see_nothing(tus: Tus, port: int, bob: User) -> None:
    path = tus.create(4)
    other = Tus(port, {"Authorization": f"Token {token_of(bob)}"})
    assert {other.send(method, path).status for method in ("HEAD", "GET", "DELETE")} == {404}
    assert other.patch(path, 0, b"data").status == 404
    assert json.loads(other.send("GET", URL).text)["count"] == 0
    nobody = Tus(port, {})
    assert nobody.patch(path, 0, b"data").status == 401
    assert nobody.patch(path, 0, DATA).status == 401
    assert tus.offset(path) == 0


def test_a_page_needs_its_csrf_token(port: int, alice: User, settings: Settings) -> None:
    client = Client()
    client.force_login(alice)
    secret = csrf._get_new_csrf_string()  # type: ignore[attr-defined]  # as a page would have got it
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    cookie = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={secret}"}
    page = Tus(port, cookie | {"X-CSRFToken": secret})
    path = page.create(4)
    assert reason(Tus(port, cookie).patch(path, 0, b"data")) == (403, "csrf_failed")
    assert page.patch(path, 0, b"data").status == 204


def test_options_tell_what_there_is(tus: Tus) -> None:
    answer = tus.send("OPTIONS", URL)
    assert answer.status == 204
    assert answer.getheader("Tus-Version") == "1.0.0"
    assert {"creation", "checksum", "termination", "expiration"} <= set(
        answer.getheader("Tus-Extension").split(",")
    )
    assert {"sha1", "sha256"} <= set(answer.getheader("Tus-Checksum-Algorithm").split(","))


def test_a_content_is_locked_across_processes(tus: Tus) -> None:
    path = tus.create(4)
    content = Content(path.split("/")[-2])
    try:
        assert tus.patch(path, 0, b"data").status == 423
    finally:
        content.close()
    assert tus.patch(path, 0, b"data").status == 204
