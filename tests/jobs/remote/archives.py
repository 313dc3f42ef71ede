"""Make archives for tests of unpacking."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jobs.remote.archive_limits import ArchiveLimits

MEGABYTE = 1000**2
SMALL = ArchiveLimits(
    bytes=20 * MEGABYTE,
    small_bytes=2 * MEGABYTE,
    ratio=10,
    members=100,
    depth=10,
    path_bytes=200,
    memory_bytes=300 * MEGABYTE,
)

Unpack = Callable[..., dict[str, Any]]


def make_zip(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def make_tar(path: Path, members: dict[str, bytes], mode: str = "w:gz") -> None:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]  # the mode is a parameter here
        for name, data in members.items():
            add(archive, name, data)


def add(archive: tarfile.TarFile, name: str, data: bytes, **changes: Any) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    for attribute, value in changes.items():
        setattr(member, attribute, value)
    archive.addfile(member, io.BytesIO(data))


def contents(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() or path.is_symlink()
    }
