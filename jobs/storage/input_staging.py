"""Copy input files from storage to a head node over SFTP, before the command runs.

Repeatable: a file that was copied completely is not copied again, so a killed worker loses at most one file's work.
"""

import posixpath
import stat
from collections.abc import Callable, Iterator
from typing import Any

from django.core.files import File

from jobs.models import Job, JobInput, StoredFile
from jobs.storage import file_names
from sshgateway.ssh.sftp import write_whole
from sshgateway.ssh.transport import SFTP

CHUNK = 1024 * 1024
SHARED_DIRECTORY = b"shared"


def stage_inputs(job: Job, sftp: SFTP, check_claim: Callable[[], None]) -> list[JobInput]:
    """Copy the job's input files to its shared work directory, and return them.

    `check_claim` is called between chunks and raises when another worker has taken over. A file gets its name only when
    it is complete, with the time of its upload, so that output collection recognizes it.
    """
    inputs: dict[str, JobInput] = {}
    for wanted in job.inputs.select_related("file"):
        # A file of several analyses is copied once, and unpacked if one of them asks for that.
        if wanted.file_id not in inputs or wanted.decompress:
            inputs[wanted.file_id] = wanted
    directory = posixpath.join(job.work_directory.encode(), SHARED_DIRECTORY)
    made: set[bytes] = set()
    for wanted in inputs.values():
        check_claim()
        path = posixpath.join(directory, raw_path(wanted.file))
        _make_folders(sftp, directory, posixpath.dirname(path), made)
        if not _is_copied(sftp, path, wanted.file):
            _send(sftp, wanted.file, path, check_claim)
    return list(inputs.values())


def input_path(file: StoredFile) -> str:
    """Return where an input file is below the shared work directory, as text.

    A file of an uploaded folder has its place in it; an output of another job has its name only.
    """
    return file.name if file.job_id is not None else file.relative_path


def raw_path(file: StoredFile) -> bytes:
    """Return the bytes of `input_path`."""
    return file_names.to_bytes(input_path(file), file.is_escaped)


def is_unchanged(file: StoredFile, size: int, modified: int) -> bool:
    """Whether a file of this size and time (seconds since 1970) on the node is the unchanged input file."""
    return size == file.size and modified == int(file.created_at.timestamp())


def _make_folders(sftp: SFTP, top: bytes, folder: bytes, made: set[bytes]) -> None:
    """Make a folder below `top` and those above it, unless they are there. `made`: those that are known to be."""
    if len(folder) <= len(top) or folder in made:
        return
    _make_folders(sftp, top, posixpath.dirname(folder), made)
    try:
        sftp.mkdir(folder)  # type: ignore[arg-type]  # paramiko takes bytes, too
    except OSError:
        if not stat.S_ISDIR(sftp.lstat(folder).st_mode or 0):  # type: ignore[arg-type]
            raise
    made.add(folder)


def _is_copied(sftp: SFTP, path: bytes, file: StoredFile) -> bool:
    try:
        found = sftp.lstat(path)  # type: ignore[arg-type]  # paramiko takes bytes, too
    except FileNotFoundError:
        return False
    return is_unchanged(file, found.st_size or 0, int(found.st_mtime or 0))


def _chunks(source: "File[Any]", check_claim: Callable[[], None]) -> Iterator[bytes]:
    while data := source.read(CHUNK):
        check_claim()
        yield data


def _send(sftp: SFTP, file: StoredFile, path: bytes, check_claim: Callable[[], None]) -> None:
    part = posixpath.join(posixpath.dirname(path), f".headnode-{file.pk}.part".encode())
    with file.file.open("rb") as source, sftp.open(part, "wb") as target:
        write_whole(target, _chunks(source, check_claim))
    when = int(file.created_at.timestamp())
    sftp.utime(part, (when, when))
    sftp.posix_rename(part, path)  # type: ignore[arg-type]
