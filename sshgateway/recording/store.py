"""Recordings in the storage and in rows. Synchronous; whoever has an event loop calls it in a thread.

A recording grows in its row's `tail`. Once that is large enough it becomes a chunk, a file of Django's storage;
gzip members one after the other are one gzip file, so chunks are simply joined. A crash between the two leaves the
old tail in force and a file that is written again.
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
from sshgateway.models import Recording, TerminalSession
from sshgateway.models.recording import FOLDER

LEVEL = 1  # most of what gzip gains, at a tenth of the time
BATCH = 200


def storage() -> Storage:
    """Where chunks lie."""
    return default_storage


def begin(session: TerminalSession) -> Recording:
    """The row of a new recording."""
    return Recording.objects.create(
        session=session, started_at=timezone.now(), compressed=settings.HEADNODE_RECORDING_COMPRESS
    )


def save_tail(recording: Recording, text: bytes) -> None:
    """Save what is in no chunk yet, and the counters."""
    _update(recording, tail=gzip.compress(text, LEVEL))


def save_chunk(recording: Recording, text: bytes) -> None:
    """Make `text`, which is all the tail, the next chunk."""
    name = recording.chunk_name(recording.chunk_count)
    content = gzip.compress(text, LEVEL) if recording.compressed else text
    storage().delete(name)  # left by an attempt that did not get to its row
    storage().save(name, ContentFile(content))
    _update(recording, chunk_count=recording.chunk_count + 1, tail=b"")
    recording.chunk_count += 1


def finish(recording: Recording, reason: str) -> None:
    """Nothing is added any more."""
    _update(recording, ended_at=timezone.now(), end_reason=reason)


def _update(recording: Recording, **changes: object) -> None:
    Recording.objects.filter(pk=recording.pk).update(
        size=recording.size, missing=recording.missing, seconds=recording.seconds, **changes
    )


def read(recording: Recording) -> Iterator[bytes]:
    """The asciicast, as far as it was saved, piece by piece. FileNotFoundError where a chunk is gone."""
    row = Recording.objects.get(pk=recording.pk)
    for number in range(row.chunk_count):
        with storage().open(row.chunk_name(number)) as file:
            content = file.read()
        yield gzip.decompress(content) if row.compressed else content
    if row.tail:
        yield gzip.decompress(bytes(row.tail))


def delete_old() -> int:
    """Delete what was kept long enough, and files whose rows are gone; answers how many recordings.

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
    _remove_strays()
    return count


def _mark_deleted(recording: Recording, days: int) -> int:
    """The row stays and says that there was one; its files go in the next step."""
    with transaction.atomic():
        still_there = Recording.objects.filter(pk=recording.pk, deleted_at__isnull=True)
        if still_there.update(deleted_at=timezone.now(), tail=b"") != 1:
            return 0
        record(
            SYSTEM,
            "sshgateway:recording:deleted",
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
    storage().delete(folder)  # an empty folder; object stores have none


def _remove_strays() -> None:
    """Files of people who were deleted with all that is theirs."""
    try:
        folders, _ = storage().listdir(FOLDER)
    except FileNotFoundError:
        return
    for start in range(0, len(folders), BATCH):
        some = folders[start : start + BATCH]
        known = set(Recording.objects.filter(pk__in=some).values_list("pk", flat=True))
        for recording_id in set(some) - known:
            _remove_files(recording_id)
