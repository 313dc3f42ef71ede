"""Fetch files from a node, several at once, each into storage. Knows no database.

Each stream is an SFTP client of its own on one connection, in a thread of its own, so that a small file does not wait
for the answers to another. Never more is read than was announced.
"""

import hashlib
import queue
import stat
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import IO, Any

from jobs.remote.time_limit import TransferTime
from jobs.storage.output_plan import OutputFile
from sshgateway.ssh.transport import SFTP, ConnectionLost

# Measured against OpenSSH, requests of this size are two and a half times faster than paramiko's usual 32 kB. Its
# server answers up to 255 kB; one that sends less is asked for the rest.
CHUNK = 128 * 1024
WINDOW = 8 * 1024 * 1024
# What opening a file counts as, so that many small files are not taken for a slow node.
OPENING = 32 * 1024
# Small files stay in memory between node and storage.
IN_MEMORY = 1024 * 1024
WAIT_SECONDS = 0.2


class StorageFailedError(Exception):
    """Our own storage did not accept a file. The output files are still on the node: try again."""


@dataclass(frozen=True)
class Stream:
    """An SFTP client, and the time within which the node must send over it (None: no limit)."""

    sftp: SFTP
    time: TransferTime | None = None


@dataclass(frozen=True)
class Fetched:
    """A file that was fetched, or the reason why it could not be. `stored` is what `store` returned."""

    file: OutputFile
    sha512: str = ""
    md5: str = ""
    stored: Any = None
    reason: str = ""


class _UnreadableError(Exception):
    """The file on the node cannot be read as it was announced."""


class _CancelledError(Exception):
    """Somebody else failed, or has taken over."""


class Transfer:
    """Fetches files over all streams at once. `store` puts a content into storage, and is called in their threads."""

    def __init__(self, streams: Sequence[Stream], store: Callable[[OutputFile, IO[bytes]], Any]) -> None:
        self._streams, self._store = streams, store
        self._waiting: queue.SimpleQueue[OutputFile] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Fetched | Exception] = queue.SimpleQueue()
        self._cancelled = threading.Event()
        self._counting = threading.Lock()
        self.received = 0

    def run(self, files: Sequence[OutputFile]) -> Generator[list[Fetched], None, None]:
        """Yield what has been fetched since the last time, several times a second, perhaps nothing.

        What a stream raises is raised here: StorageFailedError, TimeoutError, SSHError. If the caller stops earlier, so
        does the transfer.
        """
        for file in files:
            self._waiting.put(file)
        threads = [
            threading.Thread(target=self._work, args=(stream,), daemon=True) for stream in self._streams
        ]
        for thread in threads:
            thread.start()
        left = len(files)
        try:
            while left:
                finished = self._finished()
                left -= len(finished)
                yield finished
        finally:
            self._cancelled.set()
            for thread, stream in zip(threads, self._streams, strict=True):
                if left:
                    stream.sftp.close()  # which ends a read that waits for the node
                thread.join()

    def _finished(self) -> list[Fetched]:
        found: list[Fetched] = []
        timeout = WAIT_SECONDS
        while True:
            try:
                each = self._done.get(timeout=timeout) if timeout else self._done.get_nowait()
            except queue.Empty:
                return found
            if isinstance(each, Exception):
                raise each
            found.append(each)
            timeout = 0.0

    def _work(self, stream: Stream) -> None:
        while not self._cancelled.is_set():
            try:
                file = self._waiting.get_nowait()
            except queue.Empty:
                return
            try:
                self._done.put(self._fetch(stream, file))
            except _UnreadableError as error:
                self._done.put(Fetched(file, reason=str(error)))
            except _CancelledError:
                return
            except Exception as error:  # noqa: BLE001 - raised again in the thread that waits
                self._done.put(error)
                return

    def _fetch(self, stream: Stream, file: OutputFile) -> Fetched:
        digest, md5 = hashlib.sha512(), hashlib.md5(usedforsecurity=False)

        def take(data: bytes) -> None:
            digest.update(data)
            md5.update(data)

        with tempfile.SpooledTemporaryFile(IN_MEMORY) as copy:
            try:
                size = sum(self._copy(stream, file, copy, take))
            except TimeoutError:
                raise
            except (EOFError, OSError) as error:
                if self._cancelled.is_set():
                    raise _CancelledError from None
                if not stream.sftp.is_open:
                    raise ConnectionLost("The node ended the transfer of its files.") from error
                if isinstance(error, EOFError):
                    raise _UnreadableError("it became shorter while it was read") from None
                raise _UnreadableError(error.strerror or "could not be read") from error
            if size != file.size:
                raise _UnreadableError("it became shorter while it was read")
            copy.seek(0)
            try:
                stored = self._store(file, copy)  # type: ignore[arg-type]  # it has what an IO has
            except OSError as error:
                raise StorageFailedError(
                    f"Storage did not take {file.relative}: {error.strerror}."
                ) from error
        return Fetched(file, digest.hexdigest(), md5.hexdigest(), stored)

    def _copy(
        self, stream: Stream, file: OutputFile, copy: Any, update_digest: Callable[[bytes], object]
    ) -> Iterator[int]:
        """Copy a file, and yield the size of each window as it is copied."""
        with _waiting(stream):
            source = stream.sftp.open(file.on_node, "rb")  # type: ignore[arg-type]  # paramiko takes bytes, too
        with source:
            with _waiting(stream):
                mode = source.stat().st_mode or 0
                _received(stream, OPENING)
            source.MAX_REQUEST_SIZE = CHUNK
            if not stat.S_ISREG(mode):
                raise _UnreadableError("it turned into something else while it was read")
            for start in range(0, file.size, WINDOW):
                data = self._window(stream, source, start, min(start + WINDOW, file.size))
                update_digest(data)
                _write(copy, data, file)
                yield len(data)

    def _window(self, stream: Stream, source: Any, start: int, end: int) -> bytes:
        data = bytearray()
        with _waiting(stream):
            for part in source.readv([(at, min(CHUNK, end - at)) for at in range(start, end, CHUNK)]):
                if self._cancelled.is_set():
                    raise _CancelledError
                data += part
                _received(stream, len(part))
                with self._counting:
                    self.received += len(part)
        return bytes(data)


def _received(stream: Stream, size: int) -> None:
    if stream.time is not None:
        stream.time.received(size)


def _waiting(stream: Stream) -> AbstractContextManager[None]:
    return nullcontext() if stream.time is None else stream.time.waiting()


def _write(copy: Any, data: bytes, file: OutputFile) -> None:
    try:
        copy.write(data)
    except OSError as error:
        raise StorageFailedError(f"There is no space to copy {file.relative}: {error.strerror}.") from error
