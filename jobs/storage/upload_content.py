"""The bytes of an unfinished upload: one file in HEADNODE_VAR, named by the upload's id alone.

Only one process at a time writes to it, by a lock of the kernel's (flock), which ends with the process that holds it,
however it ends.
"""

import errno
import fcntl
import hashlib
import os
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from django.conf import settings

from accounts.refusals import Refused
from jobs.storage.refusal_reasons import UploadRefusal

CHUNK = 1024 * 1024
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Digests of uploads that go on in this process: as many as people upload at the same time.
_MAX_REMEMBERED = 512


@dataclass
class Digests:
    """What a stored file has as checksums, over its first `size` bytes."""

    size: int
    sha512: Any
    md5: Any

    @classmethod
    def empty(cls) -> "Digests":
        """Return the digests of nothing."""
        return cls(0, hashlib.sha512(), hashlib.md5(usedforsecurity=False))

    def update(self, data: bytes) -> None:
        """Go on with more bytes."""
        self.sha512.update(data)
        self.md5.update(data)
        self.size += len(data)

    def copy(self) -> "Digests":
        """Return digests that go on by themselves."""
        return Digests(self.size, self.sha512.copy(), self.md5.copy())


class _Remembered:
    """Digests by upload, so that a resumed upload is not read again from the disk."""

    def __init__(self) -> None:
        self._found: OrderedDict[str, Digests] = OrderedDict()
        self._lock = Lock()

    def take(self, upload_id: str, size: int) -> Digests | None:
        """Return the digests of the first `size` bytes, if they are known."""
        with self._lock:
            found = self._found.pop(upload_id, None)
        if size == 0:
            return Digests.empty()
        return found if found is not None and found.size == size else None

    def keep(self, upload_id: str, digests: Digests) -> None:
        """Remember the digests; the longest unused are forgotten."""
        with self._lock:
            self._found[upload_id] = digests
            while len(self._found) > _MAX_REMEMBERED:
                self._found.popitem(last=False)


remembered = _Remembered()


class Locked(Exception):
    """Raised when another request writes to the upload."""


def path_of(upload_id: str) -> Path:
    """Return where the bytes are."""
    return Path(settings.HEADNODE_UPLOADS) / upload_id


def size_on_disk(upload_id: str) -> int:
    """Return how many bytes there are, confirmed or not."""
    try:
        return path_of(upload_id).stat().st_size
    except FileNotFoundError:
        return 0


class Content:
    """The bytes of an upload, locked until `close`. Raises Locked if another request has them."""

    def __init__(self, upload_id: str) -> None:
        path = path_of(upload_id)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise _refusal_of(error) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise Locked from None
        self.path = path
        self._is_open = True

    def begin_at(self, offset: int) -> None:
        """Drop what comes after `offset`, and write there next."""
        os.ftruncate(self._descriptor, offset)
        os.lseek(self._descriptor, offset, os.SEEK_SET)

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return os.fstat(self._descriptor).st_size

    def write(self, data: bytes) -> None:
        """Append all of it. Raises Refused (`storage_full`, 507)."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except OSError as error:
                raise _refusal_of(error) from error

    def sync(self) -> None:
        """Return when the bytes are on the disk. Raises Refused (`storage_full`, 507)."""
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise _refusal_of(error) from error

    def digests(self) -> Digests:
        """Read everything, and return the digests."""
        found, place = Digests.empty(), 0
        while data := os.pread(self._descriptor, CHUNK, place):
            found.update(data)
            place += len(data)
        return found

    def delete(self) -> None:
        """Remove the file. Who waits for it finds that its row has changed."""
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let others write."""
        if self._is_open:
            self._is_open = False
            with suppress(OSError):
                os.close(self._descriptor)


def _refusal_of(error: OSError) -> Exception:
    if error.errno not in _FULL:
        return error
    return Refused(
        UploadRefusal.STORAGE_FULL,
        "The portal's storage is full. What has arrived is kept: tell your administrator, and continue later.",
        status=507,
    )
