"""Uploads that break off, with a program that is not ours, and with a web process that is killed in the middle."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import requests
from tusclient import client as tus_client
from tusclient.exceptions import TusCommunicationError

from tests.cut_line import CutLine
from tests.jobs.api.tus import Tus
from tests.stack import Stack
from tests.waiting import wait_for

pytestmark = pytest.mark.acceptance
MEGABYTE = 1024 * 1024


@pytest.fixture
def token(stack: Stack) -> str:
    body = {"username": stack.admin_name, "password": stack.admin_password}
    return str(httpx.post(f"{stack.base_url}api-token-auth/", json=body).json()["token"])


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file of 60 MB that does not repeat."""
    path = tmp_path / "case.dat"
    path.write_bytes(os.urandom(60 * MEGABYTE))
    return path


@pytest.fixture
def line(stack: Stack) -> Iterator[CutLine]:
    found = CutLine(urlsplit(stack.base_url).port or 0, 20 * MEGABYTE)
    yield found
    found.close()


def sha512(stack: Stack, token: str, file_id: str) -> str:
    answer = httpx.get(
        f"{stack.base_url}api/v2/files/{file_id}/", headers={"Authorization": f"Token {token}"}
    )
    return str(answer.json()["fileChecksums"][0]["fileHash"])


def test_tuspy_goes_on_after_a_cut(stack: Stack, token: str, large: Path, line: CutLine) -> None:
    headers = {"Authorization": f"Token {token}"}
    client = tus_client.TusClient(f"http://127.0.0.1:{line.port}/api/v2/uploads/", headers=headers)
    named: dict[str, Any] = {"metadata": {"filename": "case.dat"}, "chunk_size": 8 * MEGABYTE}
    with large.open("rb") as stream:
        uploader = client.uploader(file_stream=stream, upload_checksum=True, **named)
        with pytest.raises((TusCommunicationError, requests.ConnectionError)):
            uploader.upload()
        assert line.was_cut
        again = client.uploader(file_stream=stream, url=uploader.url, upload_checksum=True, **named)
        assert 0 < again.offset < 60 * MEGABYTE
        again.upload()

    state = httpx.get(str(uploader.url), headers=headers).json()
    assert sha512(stack, token, state["fileId"]) == hashlib.sha512(large.read_bytes()).hexdigest()


def test_a_web_process_that_is_killed_in_the_middle(stack: Stack, token: str, large: Path) -> None:
    data = large.read_bytes()
    tus = Tus(urlsplit(stack.base_url).port or 0, {"Authorization": f"Token {token}"})
    path = tus.create(len(data))
    connection = tus.begin_patch(path, 0, len(data), data[: 40 * MEGABYTE])
    saved = wait_for(lambda: tus.offset(path), "some of it is saved")
    stack.kill("web")
    connection.close()
    offset = wait_for(lambda: _offset(tus, path), "web is back")

    assert saved <= offset <= 40 * MEGABYTE
    answer = tus.patch(path, offset, data[offset:])
    assert answer.status == 204
    file_id = json.loads(tus.send("GET", path).text)["fileId"]
    assert sha512(stack, token, file_id) == hashlib.sha512(data).hexdigest()


def _offset(tus: Tus, path: str) -> int | None:
    try:
        return tus.offset(path)
    except (OSError, AssertionError):
        return None
