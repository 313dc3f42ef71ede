"""Collect output files from a head node into storage over SFTP, one row for each.

Repeatable: a file whose size and time did not change is not fetched again. The node belongs to its user, so nothing it
says is trusted: links are not followed; what cannot be listed, read or named is skipped and reported; sizes and counts
are bounded, and never more is read than was announced. Only a failure of our own storage stops the collection.
"""

import hashlib
import posixpath
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO, Any

from django.conf import settings
from django.core.files import File
from django.db import transaction

from jobs.models import Job, StoredFile
from jobs.remote.command_runner import Listing
from jobs.remote.time_limit import TransferTime
from jobs.storage.input_staging import SHARED_DIRECTORY, is_unchanged
from sshgateway.ssh.transport import SFTP

MAX_FILES = 10_000
MAX_ENTRIES = 20_000
MAX_PATH = 1000
CHUNK = 32 * 1024
WINDOW = 256 * CHUNK


class StorageFailedError(Exception):
    """Our own storage did not accept a file. The output files are still on the node: try again."""


@dataclass
class Collection:
    """The result of a collection: files and bytes stored in all, and what was skipped (`name: reason`)."""

    files: int = 0
    size: int = 0
    skipped: list[str] = field(default_factory=list)

    def skip(self, name: str, reason: str) -> None:
        """Note for the Job Log that something was skipped."""
        if len(self.skipped) < MAX_FILES:
            self.skipped.append(f"{name}: {reason}")


@dataclass(frozen=True)
class _RemoteFile:
    path: str
    relative: str
    size: int
    modified_at: datetime


class _UnreadableError(Exception):
    """The file on the node cannot be read as it was announced."""


def collect_outputs(
    job: Job,
    listing: Listing,
    sftp: SFTP,
    check_claim: Callable[[], None],
    transfer_time: TransferTime | None = None,
) -> Collection:
    """Store every regular file in the listing of the job's work directory, except unchanged input files.

    `check_claim` is called between chunks and raises when another worker has taken over. Raises StorageFailedError when
    our storage fails, TimeoutError when the node stops answering, SSHError when it is slower than
    `transfer_time` allows.
    """
    collection = Collection()
    fetcher = _Fetcher(sftp, check_claim, transfer_time)
    known = {file.relative_path: file for file in job.output_files.all()}
    inputs = {wanted.file.name: wanted.file for wanted in job.inputs.select_related("file")}
    largest = settings.HEADNODE_MAX_OUTPUT_GB * 1024**3
    for remote in _usable_files(listing, job.work_directory, collection):
        check_claim()
        input_file = inputs.get(remote.relative)
        if input_file and is_unchanged(input_file, remote.size, int(remote.modified_at.timestamp())):
            continue  # an unchanged input file is not an output
        if collection.files >= MAX_FILES:
            collection.skip("the rest", f"a job keeps {MAX_FILES} files at most")
            break
        if collection.size + remote.size > largest:
            collection.skip(remote.relative, f"with it there would be more than {largest // 1024**3} GB")
            continue
        stored = known.get(remote.relative)
        if not _is_current(stored, remote):
            try:
                _store(job, fetcher, remote, stored)
            except _UnreadableError as error:
                collection.skip(remote.relative, str(error))
                continue
        collection.files += 1
        collection.size += remote.size
    return collection


def _is_current(stored: StoredFile | None, remote: _RemoteFile) -> bool:
    """Whether the stored file is the one on the node, by its size and time."""
    return stored is not None and (stored.size, stored.modified_at) == (remote.size, remote.modified_at)


def _usable_files(listing: Listing, root: str, collection: Collection) -> Iterator[_RemoteFile]:
    """Yield the files with usable names, by path; note in the collection what is skipped."""
    for path, reason in listing.skipped:
        collection.skip(path, reason)
    if listing.more:
        collection.skip("the rest", f"more than {MAX_ENTRIES} entries")
    tops = {file.path.partition("/")[0] for file in listing.files}
    for file in sorted(listing.files, key=lambda file: file.path):
        if not _is_safe(file.path):
            collection.skip(repr(file.path)[:200], "its name cannot be kept")
            continue
        when = datetime.fromtimestamp(file.modified, UTC)
        yield _RemoteFile(posixpath.join(root, file.path), _display_path(file.path, tops), file.size, when)


def _is_safe(path: str) -> bool:
    """Whether every part of the path is a plain, printable name, so that it stays in the work directory."""
    names = path.split("/")
    return (
        len(path) <= MAX_PATH
        and path.isprintable()
        and all(name not in ("", ".", "..") and len(name) <= 255 for name in names)
    )


def _display_path(inside: str, tops: set[str]) -> str:
    """Return the path as users know it: relative to the command's directory, unless another file has that name."""
    top, _, rest = inside.partition("/")
    return rest if top == SHARED_DIRECTORY and rest and rest.partition("/")[0] not in tops else inside


def _store(job: Job, fetcher: "_Fetcher", remote: _RemoteFile, stored: StoredFile | None) -> None:
    digest = hashlib.sha512()
    with tempfile.TemporaryFile() as copy:
        size = fetcher.fetch(remote, copy, digest.update)
        copy.seek(0)
        row = stored or StoredFile(job=job, owner=job.owner, relative_path=remote.relative)
        row.type_id = StoredFile.Type.OUTPUT
        row.name = posixpath.basename(remote.relative)
        row.size = size
        row.sha512 = digest.hexdigest()
        row.modified_at = remote.modified_at
        old = row.file.name if stored else ""
        try:
            # Outside the transaction: a long copy must not hold the database's write lock.
            row.file.save(row.name, File(copy), save=False)
        except OSError as error:
            raise StorageFailedError(f"Storage did not take {remote.relative}: {error.strerror}.") from error
    try:
        fetcher.check_claim()
        with transaction.atomic():
            row.save()
            if old and old != row.file.name:
                transaction.on_commit(lambda: row.file.storage.delete(old), robust=True)
    except BaseException:
        row.file.storage.delete(str(row.file.name))  # no row refers to this content
        raise


@dataclass(frozen=True)
class _Fetcher:
    """Copies files from the node, within the time that it may take."""

    sftp: SFTP
    check_claim: Callable[[], None]
    transfer_time: TransferTime | None

    def fetch(self, remote: _RemoteFile, copy: IO[bytes], update_digest: Callable[[bytes], object]) -> int:
        """Copy the announced bytes in windows of bounded size, and return how many there were."""
        try:
            size = sum(self._copy(remote, copy, update_digest))
        except TimeoutError:
            raise
        except EOFError:
            raise _UnreadableError("it became shorter while it was read") from None
        except OSError as error:
            raise _UnreadableError(error.strerror or "could not be read") from error
        if size != remote.size:
            raise _UnreadableError("it became shorter while it was read")
        return size

    def _copy(
        self, remote: _RemoteFile, copy: IO[bytes], update_digest: Callable[[bytes], object]
    ) -> Iterator[int]:
        """Copy a file, and yield the size of each window as it is copied."""
        with self._waiting():
            source = self.sftp.open(remote.path, "rb")
        with source:
            with self._waiting():
                mode = source.stat().st_mode or 0
                self._received(CHUNK)  # many small files take a while, too
            if not stat.S_ISREG(mode):
                raise _UnreadableError("it turned into something else while it was read")
            for start in range(0, remote.size, WINDOW):
                data = self._window(source, start, min(start + WINDOW, remote.size))
                update_digest(data)
                _write(copy, data, remote)
                self.check_claim()
                yield len(data)

    def _window(self, source: Any, start: int, end: int) -> bytes:
        data = bytearray()
        with self._waiting():
            for part in source.readv([(at, min(CHUNK, end - at)) for at in range(start, end, CHUNK)]):
                data += part
                self._received(len(part))
        return bytes(data)

    def _received(self, size: int) -> None:
        if self.transfer_time is not None:
            self.transfer_time.received(size)

    def _waiting(self) -> AbstractContextManager[None]:
        return nullcontext() if self.transfer_time is None else self.transfer_time.waiting()


def _write(copy: IO[bytes], data: bytes, remote: _RemoteFile) -> None:
    try:
        copy.write(data)
    except OSError as error:
        raise StorageFailedError(f"There is no space to copy {remote.relative}: {error.strerror}.") from error
