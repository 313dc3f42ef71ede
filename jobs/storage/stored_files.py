"""Store, open and delete files, and attach input files to jobs."""

import hashlib
from collections import Counter
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
from jobs.storage import file_names, upload_quota
from jobs.storage.refusal_reasons import FileRefusal


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

    Raises Refused (`file_unknown`) unless all are the owner's own, and (`file_name_twice`) if two have one name: on the
    node only one could be there.
    """
    wanted = dict(inputs)
    found = visible_files(job.owner).filter(pk__in=wanted)
    names = dict(found.values_list("pk", "name"))
    if any(file_id not in names for file_id in wanted):
        raise Refused(FileRefusal.UNKNOWN, "There is no such input file.", field="inputFiles")
    twice = sorted(name for name, count in Counter(names.values()).items() if count > 1)
    if twice:
        raise Refused(
            FileRefusal.NAME_TWICE,
            f"Two input files have the name {file_names.shown(twice[0])}. On the node only one of them could be there: "
            "leave one out, or upload it under another name.",
            field="inputFiles",
        )
    with transaction.atomic():
        job.inputs.all().delete()
        JobInput.objects.bulk_create(
            JobInput(job=job, file_id=file_id, decompress=unpack) for file_id, unpack in wanted.items()
        )


def store_upload(
    actor: Actor, owner: User, uploaded: "File[Any]", raw_name: bytes | None = None
) -> StoredFile:
    """Store an uploaded file as an input file, under exactly this name (by default the file's own).

    The name is only shown, and used on nodes: it never becomes a path of the portal. Raises Refused
    (`file_name_invalid`; `upload_quota_exceeded`, 413).
    """
    raw_name = (uploaded.name or "").encode() if raw_name is None else raw_name
    _check_name(raw_name)
    name, is_escaped = file_names.to_text(raw_name)
    digest = hashlib.sha512()
    for chunk in uploaded.chunks():
        digest.update(chunk)
    uploaded.seek(0)
    file = StoredFile(
        owner=owner,
        type_id=StoredFile.Type.INPUT,
        name=name,
        relative_path=name,
        is_escaped=is_escaped,
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


def _check_name(raw: bytes) -> None:
    if reason := file_names.why_no_name(raw):
        raise Refused(FileRefusal.NAME_INVALID, f"A file's name {reason}.", field="file")


def _facts(file: StoredFile) -> dict[str, Any]:
    return {"name": file.name, "size": file.size, "sha512": file.sha512, "job": file.job_id}
