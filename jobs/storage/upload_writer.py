"""Write the body of one request to an upload, in bounded memory."""

import hashlib
import time
from contextlib import suppress
from typing import Any

from accounts.audit.trail import Actor
from accounts.refusals import Refused
from jobs.models import Upload
from jobs.storage import uploads
from jobs.storage.refusal_reasons import UploadRefusal
from jobs.storage.tus_headers import CHECKSUM_MISMATCH_STATUS, Checksum
from jobs.storage.upload_content import remembered

# What a killed process may lose of what it has received.
SAVE_BYTES = 32 * 1024 * 1024
SAVE_SECONDS = 1.0


class UploadWriter:
    """Holds the lock of an upload from `__init__` to `close`. Not for two threads at once.

    Raises Refused: `upload_locked` (423), `upload_offset_wrong` (409), `upload_too_long` (413), `upload_expired` (410).
    """

    def __init__(
        self, actor: Actor, upload: Upload, offset: int, declared: int | None, checksum: Checksum | None
    ) -> None:
        self.actor, self.upload = actor, upload
        self._content = uploads.lock(upload)
        try:
            self._check(offset, declared)
            if upload.completed_at is None:
                self._content.begin_at(offset)
        except BaseException:
            self._content.close()
            raise
        self.offset = self._begin = self._saved = offset
        self._saved_at = time.monotonic()
        self._digests = remembered.take(upload.pk, offset)
        self._checksum = checksum
        self._hash: Any = hashlib.new(checksum.algorithm) if checksum else None
        # Bytes with a checksum count only once it is known to be right.
        self._before = self._digests.copy() if checksum and self._digests else self._digests

    def _check(self, offset: int, declared: int | None) -> None:
        there = uploads.offset_of(self.upload)
        if offset != there:
            raise Refused(
                UploadRefusal.OFFSET_WRONG,
                f"This upload continues at byte {there}, not at {offset}.",
                status=409,
            )
        if declared is not None and offset + declared > self.upload.length:
            raise self._too_long()

    def _too_long(self) -> Refused:
        return Refused(
            UploadRefusal.TOO_LONG,
            f"The file was announced with {self.upload.length} bytes, and this body goes on after them.",
            status=413,
        )

    def write(self, data: bytes) -> None:
        """Append bytes, and save from time to time how far the upload has come. Raises Refused (413, 507)."""
        if self.offset + len(data) > self.upload.length:
            raise self._too_long()
        self._content.write(data)
        self.offset += len(data)
        if self._digests is not None:
            self._digests.update(data)
        if self._hash is not None:
            self._hash.update(data)
        elif self.offset - self._saved >= SAVE_BYTES or time.monotonic() - self._saved_at >= SAVE_SECONDS:
            self._save()

    def finish(self) -> None:
        """Save what the whole body brought; after the last byte, make the stored file. Raises Refused (460)."""
        if self._checksum is not None and not self._checksum.is_of(self._hash.digest()):
            self._forget_body()
            raise Refused(
                UploadRefusal.CHECKSUM_MISMATCH,
                "The body arrived changed: its checksum does not match. It was dropped; send it again.",
                status=CHECKSUM_MISMATCH_STATUS,
            )
        self._checksum = None
        self._save()
        if self.offset == self.upload.length:
            uploads.complete(self.actor, self.upload, self._content, self._digests)

    def close(self) -> None:
        """Keep what has arrived of a body that broke off, and release the lock. A body with a checksum is dropped."""
        try:
            if self.upload.completed_at is None:
                if self._checksum is not None:
                    self._forget_body()
                elif self.offset > self._saved:
                    with suppress(Refused):  # what is not known to be on the disk is sent again
                        self._save()
                if self._digests is not None:
                    remembered.keep(self.upload.pk, self._digests)
        finally:
            self._content.close()

    def _save(self) -> None:
        if self.upload.completed_at is not None:
            return
        self._content.sync()
        uploads.save_received(self.upload, self.offset)
        self._saved, self._saved_at = self.offset, time.monotonic()

    def _forget_body(self) -> None:
        self._content.begin_at(self._begin)
        self.offset, self._digests, self._checksum = self._begin, self._before, None
