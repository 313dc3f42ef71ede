"""Uploads in parts (tus): begin one, write to it, complete it to a stored file, give it up.

`received` of a row only counts bytes that were written to the disk for certain, so that it is true whenever a process
is killed. An upload counts against its owner's quota with its whole length from its first request on.
"""

import shutil
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.audit.trail import Actor, record
from accounts.models import User
from accounts.refusals import Refused
from jobs.events.audit_actions import JobsAuditAction
from jobs.models import StoredFile, Upload
from jobs.storage import stored_files, upload_quota
from jobs.storage.refusal_reasons import UploadRefusal
from jobs.storage.tus_headers import Named
from jobs.storage.upload_content import Content, Digests, Locked, remembered, size_on_disk

MAX_PER_SWEEP = 500
# How long a program may still ask what became of an upload.
REMEMBERED = timedelta(days=7)


def visible_uploads(user: User) -> QuerySet[Upload]:
    """Return the uploads this user may know of: their own; signed in by the key of a job, those begun with it."""
    own = Upload.objects.filter(owner=user)
    return own.filter(sent_by=user.only_job) if user.only_job else own


def unfinished_uploads(user: User) -> QuerySet[Upload]:
    """Return the user's uploads that can be continued, newest first."""
    return visible_uploads(user).filter(completed_at=None, is_expired=False, expires_at__gt=timezone.now())


def begin_upload(owner: User, named: Named, length: int) -> Upload:
    """Make room for a file of `length` bytes. Raises Refused.

    (`file_type_invalid`, 400; `too_large`, `upload_quota_exceeded`, 413; `storage_full`, 507)
    """
    stored_files.check_type(named.type_id)
    if length > settings.HEADNODE_MAX_UPLOAD_MB * upload_quota.MEGABYTE:
        raise Refused(
            UploadRefusal.TOO_LARGE,
            f"The file is too large: at most {settings.HEADNODE_MAX_UPLOAD_MB} MB.",
            status=413,
        )
    _check_disk(length)
    with transaction.atomic():
        upload_quota.check_room(owner, length)
        return Upload.objects.create(
            owner=owner,
            name=named.name,
            relative_path=named.relative_path,
            is_escaped=named.is_escaped,
            type_id=named.type_id,
            length=length,
            sent_by_id=owner.only_job or None,
            expires_at=timezone.now() + settings.HEADNODE_UPLOAD_EXPIRY,
        )


def _check_disk(length: int) -> None:
    folder = Path(settings.HEADNODE_UPLOADS)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if length > shutil.disk_usage(folder).free:
        raise Refused(
            UploadRefusal.STORAGE_FULL,
            "The portal's storage has no room for this file. Tell your administrator.",
            status=507,
        )


def offset_of(upload: Upload) -> int:
    """Return from which byte on the upload continues."""
    if upload.completed_at is not None:
        return upload.length
    return min(upload.received, size_on_disk(upload.pk))


def check_alive(upload: Upload) -> None:
    """Raise Refused (`upload_expired`, 410) for an upload that was given up."""
    if upload.completed_at is None and (upload.is_expired or upload.expires_at <= timezone.now()):
        raise Refused(
            UploadRefusal.EXPIRED,
            "This upload was not continued in time, and was given up. Upload the file again.",
            status=410,
        )


def lock(upload: Upload) -> Content:
    """Return the content, locked, and the row as it is now. Raises Refused (`upload_locked`, 423; 410; 404)."""
    try:
        content = Content(upload.pk)
    except Locked:
        raise Refused(
            UploadRefusal.LOCKED,
            "Another request writes to this upload. Wait a second, ask for its offset, and continue.",
            status=423,
        ) from None
    try:
        upload.refresh_from_db()
        check_alive(upload)
    except Upload.DoesNotExist:
        content.delete()
        content.close()
        raise Refused("not_found", "There is no such upload.", status=404) from None
    except BaseException:
        content.close()
        raise
    return content


def save_received(upload: Upload, received: int) -> None:
    """Save how far an upload has come, after its bytes were written to the disk, and give it time again.

    Raises Refused (404) if its owner is gone, or may not use the portal any more.
    """
    upload.received = received
    upload.expires_at = timezone.now() + settings.HEADNODE_UPLOAD_EXPIRY
    # Not `save`: the row goes with its owner, also in the middle of an upload.
    rows = Upload.objects.filter(pk=upload.pk, owner__is_active=True)
    if not rows.update(received=received, expires_at=upload.expires_at):
        raise Refused("not_found", "There is no such upload.", status=404)


def complete(
    actor: Actor, upload: Upload, content: Content, digests: Digests | None = None
) -> StoredFile | None:
    """Make a stored file of an upload all of whose bytes have arrived, and return it. The content is locked.

    May be repeated after a kill at any instant: until the row of the file is saved, the bytes stay where they are. None
    if the file was deleted since.
    """
    if upload.completed_at is not None:
        content.delete()
        return upload.file
    found = digests if digests is not None and digests.size == upload.length else content.digests()
    stored = _store(upload, content)
    try:
        with transaction.atomic():
            file = StoredFile(
                owner=upload.owner,
                type_id=upload.type_id,
                name=upload.name,
                relative_path=upload.relative_path,
                is_escaped=upload.is_escaped,
                size=upload.length,
                sha512=found.sha512.hexdigest(),
                md5=found.md5.hexdigest(),
                file=stored,
                sent_by_id=upload.sent_by_id,
            )
            file.save(force_insert=True)
            upload.file, upload.completed_at = file, timezone.now()
            upload.save(update_fields=["file", "completed_at"])
            after = stored_files.facts_of(file)
            record(actor, JobsAuditAction.FILE_UPLOADED, "file", file.pk, owner=upload.owner, after=after)
    except BaseException:
        upload.file = upload.completed_at = None
        default_storage.delete(stored)  # no row refers to this content
        raise
    content.delete()
    return file


def _store(upload: Upload, content: Content) -> str:
    """Put the bytes into storage, and return their name there. The upload keeps its own until it is completed."""
    name = f"{upload.pk[:2]}/{upload.pk}"
    if default_storage.exists(name):
        default_storage.delete(name)  # of an attempt that was killed
    link = content.path.with_suffix(".done")
    link.unlink(missing_ok=True)
    with content.path.open("rb") as opened:
        source: File[Any] = File(opened, name=name)
        try:
            link.hardlink_to(content.path)
        except OSError:
            return default_storage.save(name, source)
        # Storage on a disk takes such a file by renaming it.
        source.temporary_file_path = lambda: str(link)  # type: ignore[attr-defined]  # as an uploaded file has
        try:
            return default_storage.save(name, source)
        finally:
            link.unlink(missing_ok=True)


def file_of(actor: Actor, upload: Upload) -> StoredFile | None:
    """Return the file of an upload; complete it first, if only that was missing. None while it is unfinished."""
    if upload.completed_at is not None:
        return upload.file
    check_alive(upload)
    if offset_of(upload) < upload.length:
        return None
    try:
        content = lock(upload)
    except Refused as refused:
        if refused.reason == UploadRefusal.LOCKED:
            return None  # it is being completed
        raise
    try:
        if upload.completed_at is None and content.size < upload.length:
            return None
        content.begin_at(upload.length)
        return complete(actor, upload, content)
    finally:
        content.close()


def delete_upload(upload: Upload) -> None:
    """Give up an upload. A file that was completed stays. Raises Refused (`upload_locked`, 423)."""
    content = lock(upload)
    try:
        remembered.take(upload.pk, -1)
        upload.delete()
        content.delete()
    finally:
        content.close()


def expire_uploads() -> int:
    """Give up the uploads that nobody continued, and forget old ones. Return how many were given up."""
    now, count = timezone.now(), 0
    late = Upload.objects.filter(completed_at=None, is_expired=False, expires_at__lte=now)
    for upload in late.select_related("owner")[:MAX_PER_SWEEP]:
        count += _expire(upload)
    old = now - REMEMBERED
    Upload.objects.filter(is_expired=True, expires_at__lt=old).delete()
    Upload.objects.filter(completed_at__lt=old).delete()
    _remove_strays()
    return count


def _remove_strays() -> None:
    """Remove content of uploads that are no more, such as those of a deleted user."""
    folder = Path(settings.HEADNODE_UPLOADS)
    names = [path.name for path in folder.iterdir() if path.suffix == ""] if folder.is_dir() else []
    for start in range(0, len(names), MAX_PER_SWEEP):
        some = names[start : start + MAX_PER_SWEEP]
        alive = Upload.objects.filter(pk__in=some, completed_at=None, is_expired=False)
        for name in set(some) - set(alive.values_list("pk", flat=True)):
            with suppress(Locked):
                content = Content(name)
                content.delete()
                content.close()


def _expire(upload: Upload) -> bool:
    try:
        content = Content(upload.pk)
    except Locked:
        return False
    try:
        late = {"completed_at": None, "expires_at__lte": timezone.now(), "received__lte": F("length")}
        if not Upload.objects.filter(pk=upload.pk, **late).update(is_expired=True):
            return False
        content.delete()
        return True
    finally:
        content.close()
