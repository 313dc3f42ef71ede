"""Files between storage and a head node, over SFTP: inputs before the command, outputs after it, one row for each.

Fetching is repeatable: a file whose size and time did not change is not fetched again, so a worker that is killed
half-way loses at most one file's work. Links are not followed, odd names are skipped and told.
"""

import hashlib
import posixpath
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import paramiko
from django.core.files import File
from django.db import transaction

from jobs.models import Job, JobInput, StoredFile

MAX_FILES = 10_000
MAX_PATH = 1000
CHUNK = 1024 * 1024
SHARED = "shared"


@dataclass
class Harvest:
    """What a collection brought: files stored in all, bytes, and what was left out (name: why)."""

    files: int = 0
    size: int = 0
    skipped: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Remote:
    path: str
    relative: str
    size: int
    modified_at: datetime


def stage(job: Job, sftp: paramiko.SFTPClient, still_ours: Callable[[], None]) -> list[JobInput]:
    """Copy the job's input files to its shared work directory. What is there already in full stays.

    A file appears under its name only when it is whole, dated as in storage, so that collecting knows it again.
    """
    inputs = list(job.inputs.select_related("file"))
    if not inputs:
        return []
    directory = posixpath.join(job.work_directory, SHARED)
    there = {entry.filename: entry for entry in sftp.listdir_attr(directory)}
    for wanted in inputs:
        still_ours()
        found = there.get(wanted.file.name)
        if found is None or not _same(found.st_size, found.st_mtime, wanted.file):
            _send(sftp, wanted.file, posixpath.join(directory, wanted.file.name), still_ours)
    return inputs


def _send(sftp: paramiko.SFTPClient, file: StoredFile, path: str, still_ours: Callable[[], None]) -> None:
    part = posixpath.join(posixpath.dirname(path), f".headnode-{file.pk}.part")
    with file.file.open("rb") as source, sftp.open(part, "wb") as target:
        target.set_pipelined(True)
        while data := source.read(CHUNK):
            target.write(data)
            still_ours()
    when = int(file.created_at.timestamp())
    sftp.utime(part, (when, when))
    sftp.posix_rename(part, path)


def _same(size: int | None, modified: int | None, file: StoredFile) -> bool:
    return size == file.size and modified == int(file.created_at.timestamp())


def collect(job: Job, sftp: paramiko.SFTPClient, still_ours: Callable[[], None]) -> Harvest:
    """Store every regular file under the job's work directory. `still_ours` is called between files."""
    harvest = Harvest()
    known = {file.relative_path: file for file in job.output_files.all()}
    inputs = {wanted.file.name: wanted.file for wanted in job.inputs.select_related("file")}
    for remote in _walk(sftp, job.work_directory, harvest):
        began_as = inputs.get(remote.relative)
        if began_as and _same(remote.size, int(remote.modified_at.timestamp()), began_as):
            continue  # an input nobody changed is no output
        if harvest.files >= MAX_FILES:
            harvest.skipped.append(f"more than {MAX_FILES} files")
            break
        still_ours()
        have = known.get(remote.relative)
        if have is None or have.size != remote.size or have.modified_at != remote.modified_at:
            try:
                _store(job, sftp, remote, have, still_ours)
            except OSError as error:
                if not sftp.get_channel() or sftp.get_channel().closed:  # type: ignore[union-attr]
                    raise
                harvest.skipped.append(f"{remote.relative}: {error.strerror or 'could not be read'}")
                continue
        harvest.files += 1
        harvest.size += remote.size
    return harvest


def _walk(sftp: paramiko.SFTPClient, root: str, harvest: Harvest) -> Iterator[_Remote]:
    waiting = [root]
    while waiting:
        directory = waiting.pop()
        for entry in sorted(sftp.listdir_attr(directory), key=lambda found: found.filename):
            path = posixpath.join(directory, entry.filename)
            inside = posixpath.relpath(path, root)
            mode = entry.st_mode or 0
            if not _good(entry.filename) or len(inside) > MAX_PATH:
                harvest.skipped.append(f"{inside!r}: its name cannot be kept")
            elif stat.S_ISDIR(mode):
                waiting.append(path)
            elif stat.S_ISREG(mode):
                when = datetime.fromtimestamp(entry.st_mtime or 0, UTC)
                yield _Remote(path, _shown(inside), entry.st_size or 0, when)
            elif stat.S_ISLNK(mode):
                harvest.skipped.append(f"{inside}: a link")


def _good(name: str) -> bool:
    return name not in (".", "..") and "/" not in name and name.isprintable() and len(name) <= 255


def _shown(inside: str) -> str:
    """The path as people know it: the command's own directory is the top."""
    top, _, rest = inside.partition("/")
    return rest if top == SHARED and rest and rest != "process_output.log" else inside


def _store(
    job: Job,
    sftp: paramiko.SFTPClient,
    remote: _Remote,
    have: StoredFile | None,
    still_ours: Callable[[], None],
) -> None:
    digest = hashlib.sha512()
    with tempfile.TemporaryFile() as copy:
        size = 0
        with sftp.open(remote.path, "rb") as source:
            source.prefetch(remote.size)
            while data := source.read(CHUNK):
                digest.update(data)
                copy.write(data)
                size += len(data)
                if size % (64 * CHUNK) < CHUNK:
                    still_ours()
        copy.seek(0)
        row = have or StoredFile(job=job, owner=job.owner, relative_path=remote.relative)
        row.type_id = StoredFile.Type.OUTPUT
        row.name = posixpath.basename(remote.relative)
        row.size = size
        row.sha512 = digest.hexdigest()
        row.modified_at = remote.modified_at
        old = row.file.name if have else ""
        with transaction.atomic():
            row.file.save(row.name, File(copy), save=False)
            row.save()
            if old and old != row.file.name:
                transaction.on_commit(lambda: row.file.storage.delete(old), robust=True)
