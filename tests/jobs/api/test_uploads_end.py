"""What ends an upload, and what goes wrong on the way: quota, expiry, a full disk, a person who may not go on."""

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from django.utils import timezone
from pytest_django import Settings
from starlette.types import ASGIApp, Message

from accounts.models import User
from jobs.models import StoredFile, Upload
from jobs.storage import upload_writer, uploads
from jobs.storage.upload_content import path_of
from jobs.storage.upload_writer import UploadWriter
from portal import upload_stream
from portal.asgi import django_application
from portal.upload_stream import UploadStream
from tests.factories import token_of
from tests.jobs.api.tus import URL, Tus, metadata, reason
from tests.portal.counting_server import serving_with_limit
from tests.waiting import LIMIT, wait_for

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


def test_the_quota_counts_from_the_announcement_on(tus: Tus, settings: Settings) -> None:
    settings.HEADNODE_UPLOAD_QUOTA_MB = 1
    path = tus.create(MEGABYTE)
    answer = tus.send("POST", URL, upload_length="1", upload_metadata=metadata(filename="b"))
    assert reason(answer) == (413, "upload_quota_exceeded")
    assert tus.send("GET", "/api/v2/files/").getheader("X-Upload-Used-Bytes") == str(MEGABYTE)
    assert tus.patch(path, 0, bytes(MEGABYTE)).status == 204
    assert tus.send("GET", "/api/v2/files/").getheader("X-Upload-Used-Bytes") == str(MEGABYTE)


def test_giving_up(tus: Tus) -> None:
    path = tus.create(8)
    tus.patch(path, 0, b"data")
    part = path_of(path.split("/")[-2])
    assert part.exists()
    assert tus.send("DELETE", path).status == 204
    assert not part.exists()
    assert tus.send("HEAD", path).status == 404


def test_an_upload_that_nobody_continues(tus: Tus) -> None:
    path = tus.create(8)
    tus.patch(path, 0, b"data")
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert reason(tus.patch(path, 4, b"data")) == (410, "upload_expired")
    assert uploads.expire_uploads() == 1
    assert not path_of(path.split("/")[-2]).exists()
    assert tus.send("HEAD", path).status == 410
    assert json.loads(tus.send("GET", URL).text)["count"] == 0
    Upload.objects.update(expires_at=timezone.now() - timedelta(days=8))
    uploads.expire_uploads()
    assert tus.send("HEAD", path).status == 404


def test_the_sweep_leaves_what_goes_on_and_takes_strays(tus: Tus, tmp_path: Path) -> None:
    path = tus.create(8)
    tus.patch(path, 0, b"data")
    stray = path_of("0" * 32)
    stray.write_bytes(b"of a user that is no more")
    uploads.expire_uploads()
    assert not stray.exists()
    assert tus.offset(path) == 4


def test_a_full_disk_keeps_what_has_arrived(tus: Tus, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tus.create(len(DATA))
    tus.patch(path, 0, DATA[:1000])
    write = os.write

    def full(descriptor: int, data: Any) -> int:
        if len(data) > 100 and Path(f"/proc/self/fd/{descriptor}").resolve().parent == path_of("x").parent:
            raise OSError(28, "No space left on device")
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", full)
    assert reason(tus.patch(path, 1000, DATA[1000:])) == (507, "storage_full")
    monkeypatch.undo()
    assert tus.offset(path) == 1000
    assert tus.patch(path, 1000, DATA[1000:]).status == 204


def test_a_disk_that_is_full_when_it_is_asked_is_a_sentence(
    tus: Tus, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tus.create(len(DATA))

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert reason(tus.patch(path, 0, DATA)) == (507, "storage_full")
    monkeypatch.undo()
    assert tus.patch(path, tus.offset(path), DATA[tus.offset(path) :]).status == 204


def test_who_may_not_use_the_portal_any_more_sends_no_further_byte(
    tus: Tus, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_writer, "SAVE_SECONDS", 0.0)
    path = tus.create(len(DATA))
    with tus.begin_patch(path, 0, len(DATA), DATA[:1000]) as connection:
        wait_for(lambda: Upload.objects.get().received == 1000, "the first bytes are saved")
        User.objects.filter(pk=alice.pk).update(is_active=False)
        connection.sendall(DATA[1000:])
        assert b" 404 " in connection.recv(100)
    assert not StoredFile.objects.exists()
    assert Upload.objects.get().received == 1000


async def test_a_write_is_waited_for_before_its_file_is_closed() -> None:
    """A server that stops cancels the request; the thread that writes has the file's descriptor still."""
    writing, may_end, events = threading.Event(), threading.Event(), []

    class Writer:
        def write(self, data: bytes) -> None:
            writing.set()
            may_end.wait(LIMIT)
            events.append("written")

    async def receive() -> Message:
        return {"type": "http.request", "body": bytes(upload_stream.BATCH), "more_body": True}

    body = upload_stream._Body(receive)
    task = asyncio.create_task(upload_stream._write(cast("UploadWriter", Writer()), body))
    task.add_done_callback(lambda _: events.append("left"))
    await asyncio.to_thread(writing.wait, LIMIT)
    task.cancel()
    await asyncio.wait({task}, timeout=0.2)
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert events[0] == "written"
