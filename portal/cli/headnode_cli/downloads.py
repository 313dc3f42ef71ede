"""Get stored files: continued where they broke off, checked, and never written outside the folder that was named."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from .errors import CLIError, Failed, Unreachable
from .file_names import path_here
from .output import note, say
from .progress import Progress

if TYPE_CHECKING:
    from .client import Portal

PIECE = 1 << 20
TRIES, PAUSE_SECONDS = 20, 1.0


def outputs(portal: Portal, job: str) -> list[dict[str, Any]]:
    """Return the stored output files of a job."""
    return list(portal.pages(f"jobs/{job}/files/"))


def fetch_outputs(portal: Portal, job: str, patterns: Iterable[str], folder: Path) -> None:
    """Get the outputs whose path or name matches a pattern."""
    wanted = [file for file in outputs(portal, job) if any(_matches(file, pattern) for pattern in patterns)]
    if not wanted:
        note(f"No output of {job} matches.")
    for file in wanted:
        target = folder / path_here(file)
        download(portal, file, target)
        say(f"Got {target}")


def _matches(file: dict[str, Any], pattern: str) -> bool:
    return fnmatch.fnmatchcase(file["relativePath"], pattern) or fnmatch.fnmatchcase(file["name"], pattern)


def download(portal: Portal, file: dict[str, Any], target: Path) -> None:
    """Get one stored file. What is there of an earlier try is continued; the checksum of the whole must be right."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{file['id']}.part")
    digest = _checksum(file)
    try:
        with part.open("ab+") as begun, Progress(target.name, file["decryptedSize"]) as bar:
            bar.skip(begun.seek(0, os.SEEK_END))
            _fill(portal, file, begun, bar)
            whole = begun.seek(0, os.SEEK_END) == file["decryptedSize"]
            begun.seek(0)
            if not whole or (digest and _sha512(begun) != digest):
                begun.truncate(0)
                raise CLIError(f"{target} arrived damaged: it is not what the portal has. Try again.")
        os.replace(str(part), str(target))
    except OSError as error:
        raise CLIError(f"{error.filename or target} cannot be written: {error.strerror or error}.") from None


def _fill(portal: Portal, file: dict[str, Any], begun: IO[bytes], bar: Progress) -> None:
    """Append what is missing, over broken connections."""
    size = file["decryptedSize"]
    if begun.tell() > size:
        begun.truncate(0)

    def write(piece: bytes) -> None:
        begun.write(piece)
        bar.add(len(piece))

    for number in range(TRIES):
        have = begun.seek(0, os.SEEK_END)
        if have >= size:
            return
        try:
            portal.stream(f"files/{file['id']}/contents/", write, have)
        except (Unreachable, Failed):
            # A try that moved it forward is no failed one.
            if number == TRIES - 1 and begun.seek(0, os.SEEK_END) == have:
                raise
            time.sleep(PAUSE_SECONDS)
    if begun.seek(0, os.SEEK_END) < size:
        raise Unreachable(f"{file['name']} broke off {TRIES} times. Run it again: it goes on from there.")


def _checksum(file: dict[str, Any]) -> str:
    found = {entry["hashFunction"]: entry["fileHash"] for entry in file.get("fileChecksums") or []}
    return str(found.get("SHA-512", ""))


def _sha512(file: IO[bytes]) -> str:
    digest = hashlib.sha512()
    while piece := file.read(PIECE):
        digest.update(piece)
    return digest.hexdigest()
