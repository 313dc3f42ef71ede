"""Upload the input files of a job. What is stored already, byte for byte, is not sent again."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from . import resumable
from .errors import CLIError
from .progress import CountedFile, Progress

if TYPE_CHECKING:
    from .client import Portal

PIECE = 1 << 20


def upload_all(portal: Portal, paths: list[str]) -> list[dict[str, Any]]:
    """Upload files and folders. Return the `inputFiles` of a job that has them all.

    A folder is packed, and unpacked again before the command runs. Raises CLIError for a path that cannot be read,
    before anything is sent.
    """
    for path in paths:
        if not os.path.exists(path):
            raise CLIError(f"There is no file {path!r}.")
    return [_upload(portal, Path(path)) for path in paths]


def _upload(portal: Portal, path: Path) -> dict[str, Any]:
    try:
        if path.is_dir():
            with _packed(path) as packed:
                return {
                    "id": upload_file(portal, f"{path.resolve().name}.tar.gz", packed),
                    "decompress": True,
                }
        with path.open("rb") as file:
            return {"id": upload_file(portal, path.name, file), "decompress": True}
    except OSError as error:
        raise CLIError(f"{path} cannot be read: {error.strerror or error}.") from None


def upload_text(portal: Portal, name: str, text: str) -> str:
    """Upload a text as a file. Return its id."""
    return upload_file(portal, name, io.BytesIO(text.encode()))


def upload_file(portal: Portal, name: str, file: IO[bytes]) -> str:
    """Upload an open file from its beginning, unless the same is stored already. Return its id."""
    total, digest = 0, hashlib.sha512()
    while piece := file.read(PIECE):
        total += len(piece)
        digest.update(piece)
    file.seek(0)
    if stored := _stored(portal, name, total, digest.hexdigest()):
        return stored
    with Progress(name, total) as bar:
        answer = resumable.upload(portal, name, file, total, bar) if total >= resumable.LARGE else None
        if answer is not None and not _is_same(answer, digest.hexdigest()):
            # What broke off earlier had this name and size, and another content.
            resumable.give_up(portal, answer["id"])
            answer = resumable.upload(portal, name, file, total, bar)
        if answer is None:
            file.seek(0)
            answer = portal.upload(name, CountedFile(file, bar))
    if not _is_same(answer, digest.hexdigest()):
        raise CLIError(f"{name} arrived damaged: its checksum is another. Try again.")
    return str(answer["id"])


def _is_same(answer: Any, digest: str) -> bool:
    checksums = {entry["hashFunction"]: entry["fileHash"] for entry in answer.get("fileChecksums") or []}
    return bool(checksums.get("SHA-512", digest) == digest)


def _stored(portal: Portal, name: str, size: int, digest: str) -> str:
    """Return the id of an input with this name and content; empty if there is none."""
    if not size or not name.isprintable():
        return ""  # a name that is no text cannot be searched for
    for row in portal.pages("files/", limit=50, search=name):
        same = row["name"] == name and row["decryptedSize"] == size and row["typeId"] == 1
        if same and any(entry["fileHash"] == digest for entry in row.get("fileChecksums") or []):
            return str(row["id"])
    return ""


def _packed(folder: Path) -> IO[bytes]:
    """Return an archive of a folder, whose entries begin with the folder's name."""
    file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (the caller closes it)
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as archive:
        archive.add(str(folder), arcname=folder.resolve().name)
    file.seek(0)
    return file
