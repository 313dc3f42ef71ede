"""Nodes that are slow or hostile: no thread, no download and nobody else waits for them."""

import asyncio
import stat
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from accounts.refusals import Refused
from jobs.api import file_streams
from jobs.files import archive
from jobs.files.node_channels import NodeChannels
from jobs.remote import run_folder
from jobs.remote.run_folder import Entry, OpenFile, RunFolder
from tests.waiting import LIMIT


class Trickling:
    """A file server that answers always and never has done, until its channel is closed."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed.set()

    def _wait(self) -> None:
        if self.closed.wait(2):
            raise EOFError

    def real_path(self, path: bytes) -> bytes:
        return path

    def lstat(self, _path: bytes) -> Any:
        return SimpleNamespace(st_mode=stat.S_IFDIR | 0o755, st_size=0, st_mtime=0)

    def list_directory(self, _path: bytes) -> Iterator[Any]:
        self._wait()
        return iter(())

    def readv(self, _wanted: Any) -> list[bytes]:
        self._wait()
        return []


def test_a_node_that_trickles_holds_no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_folder, "WINDOW_SECONDS", 0.05, raising=False)
    server: Any = Trickling()
    arguments = [server, server, Entry(b"a", "file", 10, 0)]
    with pytest.raises(Refused) as refused:
        list(OpenFile(*arguments).read(0, 10))
    assert refused.value.reason == "node_too_slow"


def test_a_node_that_trickles_holds_no_zip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_folder, "WALK_SECONDS", 0.05, raising=False)
    server: Any = Trickling()
    with pytest.raises(Refused) as refused:
        list(RunFolder(server, b"/work").walk(b"", 10))
    assert refused.value.reason == "node_too_slow"


@pytest.mark.parametrize("name", [b"../../.bashrc", b"/etc/passwd", b"", b"a\0b"])
def test_a_node_that_invents_names_leads_no_zip_out_of_its_folder(name: bytes) -> None:
    server: Any = Trickling()
    server.list_directory = lambda path: iter(
        [(name, SimpleNamespace(st_mode=stat.S_IFREG | 0o644, st_size=1, st_mtime=0))]
    )
    folder = RunFolder(server, b"/work")
    with pytest.raises(Refused, match="could not do this"):
        folder.listing(b"")
    with pytest.raises(Refused, match="could not do this"):
        archive.entries_of(folder, [])


def test_a_thousand_looks_are_one_timer() -> None:
    class Connection:
        active = True

        def close(self) -> None:
            self.active = False

        def sftp(self, _timeout: float) -> Any:
            return nullcontext(SimpleNamespace(is_open=True))

    channels = NodeChannels(idle_seconds=LIMIT)
    before = threading.active_count()
    for _ in range(50):
        with channels.client("key", Connection):  # type: ignore[arg-type]  # a fake
            pass
    assert threading.active_count() <= before + 1
    channels.close()


async def test_the_end_of_a_download_does_not_wait_on_the_event_loop() -> None:
    where: list[int] = []
    body = file_streams._Body(iter([b"a", b"b"]), lambda: where.append(threading.get_ident()))
    assert [chunk async for chunk in file_streams._async_chunks(body)] == [b"a", b"b"]
    assert where
    assert threading.get_ident() not in where


async def test_a_download_that_is_left_does_not_wait_on_the_event_loop() -> None:
    where: list[int] = []
    body = file_streams._Body(iter([b"a", b"b"]), lambda: where.append(threading.get_ident()))
    chunks: Any = file_streams._async_chunks(body)
    assert await anext(chunks) == b"a"
    await asyncio.wait_for(chunks.aclose(), LIMIT)
    assert where
    assert threading.get_ident() not in where


def test_the_name_of_a_zip_is_not_cut_within_a_character() -> None:
    assert archive.name_of([], "名" * 80) == ("名" * 66 + ".zip").encode()
    assert archive.name_of([], "a" * 300) == b"a" * 200 + b".zip"
    assert archive.name_of([b"\xff" * 250], "") == b"\xff" * 200 + b".zip"
    assert archive.name_of([b"\x80" * 250], "") == b"\x80" * 197 + b".zip"
    assert archive.name_of([b"a/b"], "job") == b"b.zip"
