"""Input files, from storage to a head node over SFTP, before the command runs.

Repeatable: what is there in full already stays, so a worker that is killed half-way loses one file's work.
"""

import posixpath
from collections.abc import Callable

from jobs.models import Job, JobInput, StoredFile
from sshgateway.ssh.transport import SFTP

CHUNK = 1024 * 1024
SHARED = "shared"


def stage(job: Job, sftp: SFTP, still_ours: Callable[[], None]) -> list[JobInput]:
    """Copy the job's input files to its shared work directory; `still_ours` is called between pieces.

    A file appears under its name only when it is whole, dated as in storage, so that collecting knows it again.
    """
    inputs = list(job.inputs.select_related("file"))
    directory = posixpath.join(job.work_directory, SHARED)
    for wanted in inputs:
        still_ours()
        path = posixpath.join(directory, wanted.file.name)
        if not _is_there(sftp, path, wanted.file):
            _send(sftp, wanted.file, path, still_ours)
    return inputs


def is_unchanged(file: StoredFile, size: int, modified: int) -> bool:
    """Whether a file of this size and time on the node is the input as it was copied there."""
    return size == file.size and modified == int(file.created_at.timestamp())


def _is_there(sftp: SFTP, path: str, file: StoredFile) -> bool:
    try:
        found = sftp.lstat(path)
    except FileNotFoundError:
        return False
    return is_unchanged(file, found.st_size or 0, int(found.st_mtime or 0))


def _send(sftp: SFTP, file: StoredFile, path: str, still_ours: Callable[[], None]) -> None:
    part = posixpath.join(posixpath.dirname(path), f".headnode-{file.pk}.part")
    with file.file.open("rb") as source, sftp.open(part, "wb") as target:
        target.set_pipelined(True)
        while data := source.read(CHUNK):
            target.write(data)
            still_ours()
    when = int(file.created_at.timestamp())
    sftp.utime(part, (when, when))
    sftp.posix_rename(part, path)
