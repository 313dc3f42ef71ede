"""Output files, from a head node to storage over SFTP: one row for each.

Repeatable: a file whose size and time did not change is not fetched again. The node is its user's own, so nothing it
says is taken for granted: links are not followed, what cannot be listed, read or named is skipped and told, sizes and
counts are bounded, and what is read is never more than what was announced. Only what fails on our side stops it.
"""

import hashlib
import posixpath
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO

from django.conf import settings
from django.core.files import File
from django.db import transaction

from jobs.models import Job, StoredFile
from jobs.remote.client import Listing
from jobs.storage.staging import SHARED, is_unchanged
from sshgateway.ssh.transport import SFTP

MAX_FILES = 10_000
MAX_ENTRIES = 20_000
MAX_PATH = 1000
PIECE = 32 * 1024
WINDOW = 256 * PIECE


class StorageFailedError(Exception):
    """Our own storage did not take a file. The outputs are still on the node: try again."""


@dataclass
class Collection:
    """What a collection brought: files stored in all, bytes, and what was left out (name: why)."""

    files: int = 0
    size: int = 0
    skipped: list[str] = field(default_factory=list)

    def skip(self, what: str, why: str) -> None:
        """Leave something out, and remember it for the Job Log."""
        if len(self.skipped) < MAX_FILES:
            self.skipped.append(f"{what}: {why}")


@dataclass(frozen=True)
class _Remote:
    path: str
    relative: str
    size: int
    modified_at: datetime


class _UnreadableError(Exception):
    """The node did not give what it had announced."""


def collect(job: Job, listing: Listing, sftp: SFTP, still_ours: Callable[[], None]) -> Collection:
    """Store every regular file of the listing of the job's work directory. `still_ours` is called between pieces.

    Raises StorageFailedError when our side fails, TimeoutError when the node stops answering.
    """
    harvest = Collection()
    known = {file.relative_path: file for file in job.output_files.all()}
    inputs = {wanted.file.name: wanted.file for wanted in job.inputs.select_related("file")}
    largest = settings.HEADNODE_MAX_OUTPUT_GB * 1024**3
    for remote in _wanted(listing, job.work_directory, harvest):
        still_ours()
        began_as = inputs.get(remote.relative)
        if began_as and is_unchanged(began_as, remote.size, int(remote.modified_at.timestamp())):
            continue  # an input nobody changed is no output
        if harvest.files >= MAX_FILES:
            harvest.skip("the rest", f"a job keeps {MAX_FILES} files at most")
            break
        if harvest.size + remote.size > largest:
            harvest.skip(remote.relative, f"with it there would be more than {largest // 1024**3} GB")
            continue
        have = known.get(remote.relative)
        if have is None or have.size != remote.size or have.modified_at != remote.modified_at:
            try:
                _store(job, sftp, remote, have, still_ours)
            except _UnreadableError as error:
                harvest.skip(remote.relative, str(error))
                continue
        harvest.files += 1
        harvest.size += remote.size
    return harvest


def _wanted(listing: Listing, root: str, harvest: Collection) -> Iterator[_Remote]:
    for path, why in listing.left:
        harvest.skip(path, why)
    if listing.more:
        harvest.skip("the rest", f"more than {MAX_ENTRIES} entries")
    tops = {file.path.partition("/")[0] for file in listing.files}
    for file in sorted(listing.files, key=lambda file: file.path):
        if not _good(file.path):
            harvest.skip(repr(file.path)[:200], "its name cannot be kept")
            continue
        when = datetime.fromtimestamp(file.modified, UTC)
        yield _Remote(posixpath.join(root, file.path), _shown(file.path, tops), file.size, when)


def _good(path: str) -> bool:
    """A node's word is no reason to leave its work directory: every part is a plain, printable name."""
    names = path.split("/")
    return (
        len(path) <= MAX_PATH
        and path.isprintable()
        and all(name not in ("", ".", "..") and len(name) <= 255 for name in names)
    )


def _shown(inside: str, tops: set[str]) -> str:
    """The path as people know it: the command's own directory is the top, unless a name there is taken."""
    top, _, rest = inside.partition("/")
    return rest if top == SHARED and rest and rest.partition("/")[0] not in tops else inside


def _store(
    job: Job,
    sftp: SFTP,
    remote: _Remote,
    have: StoredFile | None,
    still_ours: Callable[[], None],
) -> None:
    digest = hashlib.sha512()
    with tempfile.TemporaryFile() as copy:
        size = _fetch(sftp, remote, copy, digest.update, still_ours)
        copy.seek(0)
        row = have or StoredFile(job=job, owner=job.owner, relative_path=remote.relative)
        row.type_id = StoredFile.Type.OUTPUT
        row.name = posixpath.basename(remote.relative)
        row.size = size
        row.sha512 = digest.hexdigest()
        row.modified_at = remote.modified_at
        old = row.file.name if have else ""
        try:
            # Before the transaction: a long copy must not hold the database's write lock.
            row.file.save(row.name, File(copy), save=False)
        except OSError as error:
            raise StorageFailedError(f"Storage did not take {remote.relative}: {error.strerror}.") from error
    try:
        still_ours()
        with transaction.atomic():
            row.save()
            if old and old != row.file.name:
                transaction.on_commit(lambda: row.file.storage.delete(old), robust=True)
    except BaseException:
        row.file.storage.delete(str(row.file.name))  # no row will ever lead to these bytes
        raise


def _fetch(
    sftp: SFTP,
    remote: _Remote,
    copy: IO[bytes],
    heard: Callable[[bytes], None],
    still_ours: Callable[[], None],
) -> int:
    """Copy what was announced, in bounded windows; answer its size."""
    size = 0
    try:
        with sftp.open(remote.path, "rb") as source:
            if not stat.S_ISREG(source.stat().st_mode or 0):
                raise _UnreadableError("it turned into something else while it was read")
            for start in range(0, remote.size, WINDOW):
                end = min(start + WINDOW, remote.size)
                for data in source.readv([(at, min(PIECE, end - at)) for at in range(start, end, PIECE)]):
                    heard(data)
                    _keep(copy, data, remote)
                    size += len(data)
                still_ours()
    except TimeoutError:
        raise
    except EOFError:
        raise _UnreadableError("it became shorter while it was read") from None
    except OSError as error:
        raise _UnreadableError(error.strerror or "could not be read") from error
    if size != remote.size:
        raise _UnreadableError("it became shorter while it was read")
    return size


def _keep(copy: IO[bytes], data: bytes, remote: _Remote) -> None:
    try:
        copy.write(data)
    except OSError as error:
        raise StorageFailedError(f"No room here to copy {remote.relative}: {error.strerror}.") from error
