"""Collect output files from a head node into storage over SFTP, one row for each.

Repeatable: a file whose size and time did not change is not fetched again. What cannot be listed, read or kept is
skipped and reported; only a failure of our own storage stops the collection.
"""

import posixpath
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import IO, Any

from django.conf import settings
from django.core.files import File
from django.db import IntegrityError, transaction

from jobs.ids import new_id
from jobs.models import Job, StoredFile
from jobs.remote.command_runner import Listing, RemoteFile
from jobs.storage import file_names
from jobs.storage.input_staging import is_unchanged, raw_path
from jobs.storage.output_plan import MAX_ENTRIES, OutputFile, OutputPlan, plan_outputs
from jobs.storage.output_transfer import Fetched, StorageFailedError, Stream, Transfer
from sshgateway.ssh.transport import SSHError

__all__ = ["MAX_ENTRIES", "Collection", "Progress", "StorageFailedError", "Stream", "collect_outputs"]

SAVE_SECONDS = 0.5
SAVE_AT_ONCE = 100


@dataclass
class Collection:
    """The result: files and bytes in storage, how many of them were fetched now, and what was skipped.

    `links`: what each link that was stored led to; its content was stored. `filtered_out`: how many files the job did
    not ask to keep.
    """

    files: int = 0
    size: int = 0
    fetched: int = 0
    skipped: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    filtered_out: int = 0


@dataclass(frozen=True)
class Progress:
    """How far a collection has come, in files and bytes."""

    files: int
    of_files: int
    size: int
    of_size: int


def collect_outputs(
    job: Job,
    listing: Listing,
    streams: Sequence[Stream],
    check_claim: Callable[[], None],
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Collection:
    """Store every file in the listing of the job's work directory, except unchanged input files.

    `check_claim` is called several times a second and raises when another worker has taken over; so is `on_progress`.
    Raises StorageFailedError when our storage fails, TimeoutError when the node stops answering, SSHError when it is
    slower than the streams allow.
    """
    known = {file.relative_path: file for file in job.output_files.all()}
    plan = _plan(job, listing, known)
    collection = Collection(
        files=len(plan.current),
        size=sum(file.size for file in plan.current),
        skipped=[f"{name}: {reason}" for name, reason in plan.skipped],
        links=[f"{link} -> {target}" for link, target in plan.links],
    )
    _fetch(_Rows(job, known, check_claim), plan, streams, collection, on_progress)
    return collection


def _plan(job: Job, listing: Listing, known: dict[str, StoredFile]) -> OutputPlan:
    names = {raw_path(wanted.file): wanted.file for wanted in job.inputs.select_related("file")}

    def is_input(file: RemoteFile, inside: bytes) -> bool:
        found = names.get(inside)
        return found is not None and is_unchanged(found, file.size, file.modified)

    return plan_outputs(
        listing,
        job.work_directory.encode(),
        settings.HEADNODE_MAX_OUTPUT_GB * 1024**3,
        is_input,
        {path: (file.size, file.modified_at, file.is_escaped) for path, file in known.items()},
    )


def _fetch(
    rows: "_Rows",
    plan: OutputPlan,
    streams: Sequence[Stream],
    collection: Collection,
    on_progress: Callable[[Progress], None],
) -> None:
    transfer = Transfer(streams, rows.store)
    of_files, of_size, done = len(plan.fetch), plan.size, 0
    try:
        rows.check_claim()
        on_progress(Progress(0, of_files, 0, of_size))
        with closing(transfer.run(plan.fetch)) as results:
            for finished in results:
                done += len(finished)
                for each in finished:
                    _note(each, rows, collection)
                rows.check_claim()
                rows.save_if_due()
                on_progress(Progress(done, of_files, min(transfer.received, of_size), of_size))
        rows.save()
    except (TimeoutError, SSHError):
        with suppress(IntegrityError):  # another worker has stored them by now
            rows.save_unchecked()  # what has come so far is kept
        raise
    finally:
        rows.discard()


def _note(fetched: Fetched, rows: "_Rows", collection: Collection) -> None:
    if fetched.reason:
        collection.skipped.append(f"{file_names.shown(fetched.file.relative)[:500]}: {fetched.reason}")
        return
    rows.add(fetched)
    collection.files += 1
    collection.fetched += 1
    collection.size += fetched.file.size


class _Rows:
    """The rows of what was fetched, saved several at a time: a commit for each of many small files takes a while."""

    def __init__(self, job: Job, known: dict[str, StoredFile], check_claim: Callable[[], None]) -> None:
        self._job, self._known, self.check_claim = job, known, check_claim
        self._unsaved: list[StoredFile] = []
        self._replaced: list[str] = []
        self._contents: set[str] = set()
        self._saved_at = time.monotonic()

    def store(self, file: OutputFile, content: IO[bytes]) -> StoredFile:
        """Put a content into storage, and return its row, not saved. Called in the threads of the transfer."""
        row = StoredFile(job=self._job, owner=self._job.owner, relative_path=file.relative)
        stored = self._known.get(file.relative)
        row.pk = stored.pk if stored else new_id()
        row.file.save(posixpath.basename(file.relative), File(content), save=False)
        self._contents.add(str(row.file.name))
        return row

    def add(self, fetched: Fetched) -> None:
        """Take a file that was fetched."""
        row: StoredFile = fetched.stored
        file = fetched.file
        row.type_id = StoredFile.Type.OUTPUT
        row.name, row.is_escaped = posixpath.basename(file.relative), file.is_escaped
        row.size, row.modified_at = file.size, file.modified_at
        row.sha512, row.md5 = fetched.sha512, fetched.md5
        if stored := self._known.get(file.relative):
            row.created_at = stored.created_at
            row._state.adding = False
            self._replaced.append(str(stored.file.name))
        self._unsaved.append(row)

    def save_if_due(self) -> None:
        """Save now and then."""
        if len(self._unsaved) >= SAVE_AT_ONCE or time.monotonic() - self._saved_at > SAVE_SECONDS:
            self.save()

    def save(self) -> None:
        """Save the rows, and delete the contents that they replace."""
        self._saved_at = time.monotonic()
        if self._unsaved:
            self.check_claim()
            self.save_unchecked()

    def save_unchecked(self) -> None:
        """Save the rows although the time of the collection may be over."""
        with transaction.atomic():
            StoredFile.objects.bulk_create([row for row in self._unsaved if row._state.adding])
            for row in self._unsaved:
                if not row._state.adding:
                    row.save()
        self._contents -= {str(row.file.name) for row in self._unsaved}
        self._delete(set(self._replaced) - {str(row.file.name) for row in self._unsaved})
        self._unsaved, self._replaced = [], []

    def discard(self) -> None:
        """Delete the contents that no row refers to."""
        self._delete(self._contents)

    def _delete(self, names: Any) -> None:
        storage = StoredFile._meta.get_field("file").storage
        for name in names:
            storage.delete(name)
