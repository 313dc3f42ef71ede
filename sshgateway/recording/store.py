"""Store recordings in rows and in Django's storage, read them back, and delete expired ones. Synchronous.

A recording grows in its row's `tail`. Once that is large enough it becomes a chunk, a file in the storage. Consecutive
gzip members are one gzip file, so chunks are simply joined. After a crash between writing the file and updating the
row, the old tail counts and the file is written again.
"""

import gzip
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, default_storage
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.audit.trail import SYSTEM, record
from sshgateway.audit_actions import GatewayAuditAction
from sshgateway.models import Recording, TerminalSession
from sshgateway.models.recording import FOLDER, RecordingState

# gzip level 1 saves nearly as much as level 9, in a tenth of the time.
LEVEL = 1
BATCH = 200


def storage() -> Storage:
    """Return the storage that holds the chunks."""
    return default_storage


def begin_recording(session: TerminalSession) -> Recording:
    """Create the row of a new recording."""
    return Recording.objects.create(
        session=session, started_at=timezone.now(), compressed=settings.HEADNODE_RECORDING_COMPRESS
    )


def save_tail(recording: Recording, text: bytes) -> None:
    """Save the text that is in no chunk yet, and the counters."""
    _update(recording, tail=gzip.compress(text, LEVEL))


def save_chunk(recording: Recording, text: bytes) -> None:
    """Save `text`, which is the whole tail, as the next chunk."""
    name = recording.chunk_name(recording.chunk_count)
    content = gzip.compress(text, LEVEL) if recording.compressed else text
    storage().delete(name)  # from an attempt that did not update the row
    storage().save(name, ContentFile(content))
    _update(recording, chunk_count=recording.chunk_count + 1, tail=b"")
    recording.chunk_count += 1


def finish_recording(recording: Recording, reason: RecordingState) -> None:
    """Mark a recording as finished: complete, failed, or ended by its size limit."""
    _update(recording, ended_at=timezone.now(), end_reason=reason)


def _update(recording: Recording, **changes: object) -> None:
    Recording.objects.filter(pk=recording.pk).update(
        size=recording.size, missing=recording.missing, seconds=recording.seconds, **changes
    )


def read_asciicast(recording: Recording) -> Iterator[bytes]:
    """Yield the asciicast piece by piece, as far as it was saved. Raises FileNotFoundError if a chunk is missing."""
    row = Recording.objects.get(pk=recording.pk)
    for number in range(row.chunk_count):
        with storage().open(row.chunk_name(number)) as file:
            content = file.read()
        yield gzip.decompress(content) if row.compressed else content
    if row.tail:
        yield gzip.decompress(bytes(row.tail))


def delete_expired() -> int:
    """Delete recordings older than `HEADNODE_RECORDING_DAYS`, and files without a row. Return how many recordings.

    Any process may run this at any time, several at once too.
    """
    days = settings.HEADNODE_RECORDING_DAYS
    count = 0
    if days:
        old = Recording.objects.filter(
            deleted_at__isnull=True,
            started_at__lt=timezone.now() - timedelta(days=days),
            session__ended_at__isnull=False,
        )
        for recording in old.select_related("session__owner")[:BATCH]:
            count += _mark_deleted(recording, days)
    for recording in Recording.objects.filter(Q(deleted_at__isnull=False) & ~Q(chunk_count=0))[:BATCH]:
        _remove_files(recording.pk)
        Recording.objects.filter(pk=recording.pk).update(chunk_count=0)
    _remove_orphaned_files()
    return count


def _mark_deleted(recording: Recording, days: int) -> int:
    """Keep the row, as a note that there was a recording; its files are removed in the next step. Return 1, or 0."""
    with transaction.atomic():
        undeleted = Recording.objects.filter(pk=recording.pk, deleted_at__isnull=True)
        if undeleted.update(deleted_at=timezone.now(), tail=b"") != 1:
            return 0
        record(
            SYSTEM,
            GatewayAuditAction.RECORDING_DELETED,
            "recording",
            recording.pk,
            owner=recording.session.owner,
            before={"name": recording.session.label, "started_at": recording.started_at.isoformat()},
            after={"kept_days": days},
        )
    return 1


def _remove_files(recording_id: str) -> None:
    folder = f"{FOLDER}/{recording_id}"
    try:
        _, names = storage().listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        storage().delete(f"{folder}/{name}")
    storage().delete(folder)  # the empty folder; object stores have none


def _remove_orphaned_files() -> None:
    """Remove the files of recordings whose rows were deleted along with a person's account."""
    try:
        folders, _ = storage().listdir(FOLDER)
    except FileNotFoundError:
        return
    for start in range(0, len(folders), BATCH):
        batch = folders[start : start + BATCH]
        known = set(Recording.objects.filter(pk__in=batch).values_list("pk", flat=True))
        for recording_id in set(batch) - known:
            _remove_files(recording_id)
