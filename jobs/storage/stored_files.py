"""Store, open and delete files, and attach input files to jobs."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.files import File
from django.db import transaction
from django.db.models import QuerySet

from accounts.audit.trail import Actor, record
from accounts.models import User
from accounts.refusals import Refused
from jobs.events.audit_actions import JobsAuditAction
from jobs.models import Job, JobInput, StoredFile
from jobs.storage import upload_quota
from jobs.storage.refusal_reasons import FileRefusal

MAX_NAME = 255


def visible_files(user: User) -> QuerySet[StoredFile]:
    """Return the files this user may know of: their own."""
    return StoredFile.objects.filter(owner=user)


def known_ids(user: User, ids: Iterable[str]) -> set[str]:
    """Return those of these ids that are files the user may use."""
    wanted = set(ids)
    if not wanted:
        return set()
    return set(visible_files(user).filter(pk__in=wanted).values_list("pk", flat=True))


def attach_inputs(job: Job, inputs: Sequence[tuple[str, bool]]) -> None:
    """Replace the job's input files by these (id, whether to unpack).

    Raises Refused (`file_unknown`) unless all are the owner's own.
    """
    known = known_ids(job.owner, [file_id for file_id, _ in inputs])
    if any(file_id not in known for file_id, _ in inputs):
        raise Refused(FileRefusal.UNKNOWN, "There is no such input file.", field="inputFiles")
    with transaction.atomic():
        job.inputs.all().delete()
        JobInput.objects.bulk_create(
            JobInput(job=job, file_id=file_id, decompress=unpack) for file_id, unpack in dict(inputs).items()
        )


def store_upload(actor: Actor, owner: User, uploaded: "File[Any]") -> StoredFile:
    """Store an uploaded file as an input file. Its name is only shown: it never becomes a path of the portal.

    Raises Refused (`file_name_invalid`; `upload_quota_exceeded`, 413).
    """
    name = _clean_name(uploaded.name)
    digest = hashlib.sha512()
    for chunk in uploaded.chunks():
        digest.update(chunk)
    uploaded.seek(0)
    file = StoredFile(
        owner=owner,
        type_id=StoredFile.Type.INPUT,
        name=name,
        relative_path=name,
        size=uploaded.size,
        sha512=digest.hexdigest(),
    )
    file.file.save(name, uploaded, save=False)
    try:
        with transaction.atomic():
            upload_quota.check_room(owner, file.size)
            file.save(force_insert=True)
            record(actor, JobsAuditAction.FILE_UPLOADED, "file", file.pk, owner=owner, after=_facts(file))
    except BaseException:
        file.file.delete(save=False)  # no row refers to this content
        raise
    return file


def open_file(file: StoredFile) -> "File[Any]":
    """Return the content, open for reading. Raises Refused (`file_missing`, 404) when storage has lost it."""
    try:
        return file.file.open("rb")
    except (OSError, ValueError) as error:
        raise Refused(
            FileRefusal.MISSING, "The content of this file is not in storage any more.", status=404
        ) from error


def delete_file(actor: Actor, file: StoredFile) -> None:
    """Delete a file with its content. Raises Refused (`file_in_use`, 409) while a submitted job needs it."""
    with transaction.atomic():
        # Locked, so that none of them is submitted meanwhile.
        for job in Job.objects.select_for_update(of=("self",)).filter(inputs__file=file):
            if job.submitted_at is not None and job.completed_at is None:
                raise Refused(
                    FileRefusal.IN_USE,
                    f"The job {job.name} ({job.pk}) begins with this file. Wait until it is Completed, then delete.",
                    status=409,
                )
        record(actor, JobsAuditAction.FILE_DELETED, "file", file.pk, owner=file.owner, before=_facts(file))
        content = file.file
        file.delete()
        # Delete the content after the row: no row is ever without its content.
        transaction.on_commit(lambda: content.delete(save=False), robust=True)


def _clean_name(uploaded_name: str | None) -> str:
    name = (uploaded_name or "").replace("\\", "/").rpartition("/")[2].strip()
    if not name.isprintable() or name in ("", ".", "..") or len(name) > MAX_NAME:
        raise Refused(
            FileRefusal.NAME_INVALID,
            f"A file needs a name of at most {MAX_NAME} printable characters.",
            field="file",
        )
    return name


def _facts(file: StoredFile) -> dict[str, Any]:
    return {"name": file.name, "size": file.size, "sha512": file.sha512, "job": file.job_id}
