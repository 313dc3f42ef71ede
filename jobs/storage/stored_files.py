"""Store, open, change and delete files."""

import hashlib
from collections.abc import Iterable
from typing import Any

from django.core.files import File
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.audit.trail import Actor, record
from accounts.models import User
from accounts.refusals import Refused
from jobs.events.audit_actions import JobsAuditAction
from jobs.models import Job, JobInput, StoredFile
from jobs.storage import file_names, upload_quota
from jobs.storage.refusal_reasons import FileRefusal

# What an uploaded file may be; the rest of the types belong to what jobs leave.
UPLOAD_TYPES = tuple(member.value for member in StoredFile.Type if member != StoredFile.Type.OUTPUT)


def visible_files(user: User) -> QuerySet[StoredFile]:
    """Return the files this user may know of: their own.

    Signed in by the key of a job: of these its inputs and outputs, and what was uploaded with that key.
    """
    own = StoredFile.objects.filter(owner=user)
    if not user.only_job:
        return own
    inputs = JobInput.objects.filter(job=user.only_job).values("file")
    return own.filter(Q(job=user.only_job) | Q(sent_by=user.only_job) | Q(pk__in=inputs))


def known_ids(user: User, ids: Iterable[str]) -> set[str]:
    """Return those of these ids that are files the user may use."""
    wanted = set(ids)
    if not wanted:
        return set()
    return set(visible_files(user).filter(pk__in=wanted).values_list("pk", flat=True))


def store_upload(
    actor: Actor,
    owner: User,
    uploaded: "File[Any]",
    raw_name: bytes | None = None,
    type_id: int = StoredFile.Type.INPUT,
) -> StoredFile:
    """Store an uploaded file under exactly this name (by default the file's own). `type_id` is one of UPLOAD_TYPES.

    The name is only shown, and used on nodes: it never becomes a path of the portal. Raises Refused
    (`file_name_invalid`, `file_type_invalid`; `upload_quota_exceeded`, 413).
    """
    raw_name = (uploaded.name or "").encode() if raw_name is None else raw_name
    _check_name(raw_name)
    check_type(type_id)
    name, is_escaped = file_names.to_text(raw_name)
    digest, md5 = hashlib.sha512(), hashlib.md5(usedforsecurity=False)
    for chunk in uploaded.chunks():
        digest.update(chunk)
        md5.update(chunk)
    uploaded.seek(0)
    file = StoredFile(
        owner=owner,
        type_id=type_id,
        name=name,
        relative_path=name,
        is_escaped=is_escaped,
        size=uploaded.size,
        sha512=digest.hexdigest(),
        md5=md5.hexdigest(),
        sent_by_id=owner.only_job or None,
    )
    file.file.save(name, uploaded, save=False)
    try:
        with transaction.atomic():
            upload_quota.check_room(owner, file.size)
            file.save(force_insert=True)
            record(actor, JobsAuditAction.FILE_UPLOADED, "file", file.pk, owner=owner, after=facts_of(file))
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


def change_file(
    actor: Actor, file: StoredFile, *, name: str | None = None, type_id: int | None = None
) -> StoredFile:
    """Rename a file, or say what it is for; None keeps either. Raises Refused.

    (`file_in_use`, 409) while a submitted job needs it under its name; (`file_name_invalid`, `file_type_invalid`).
    """
    with transaction.atomic():
        before = facts_of(file)
        if name is not None and name != file.name:
            if file.job_id is not None:
                raise Refused(
                    FileRefusal.IN_USE,
                    "The output files of a job keep their names.",
                    field="name",
                    status=409,
                )
            _check_name(name.encode(), field="name")
            _check_not_in_use(file)
            file.name = file.relative_path = name
            file.is_escaped = False
        if type_id is not None and type_id != file.type_id:
            if file.job_id is not None:
                raise Refused(
                    FileRefusal.TYPE_INVALID, "The output files of a job keep their type.", field="typeId"
                )
            check_type(type_id)
            file.type_id = type_id
        if (after := facts_of(file)) != before:
            file.save(update_fields=["name", "relative_path", "is_escaped", "type_id"])
            record(
                actor,
                JobsAuditAction.FILE_CHANGED,
                "file",
                file.pk,
                owner=file.owner,
                before=before,
                after=after,
            )
    return file


def check_type(type_id: int) -> None:
    """Raise Refused (`file_type_invalid`) for a type that an uploaded file cannot have."""
    if type_id not in UPLOAD_TYPES:
        raise Refused(
            FileRefusal.TYPE_INVALID,
            f"An uploaded file has one of the types {', '.join(map(str, UPLOAD_TYPES))} "
            "(1 input, 2 template, 3 parameters, 4 script, 7 and 8 case).",
            field="typeId",
        )


def _check_not_in_use(file: StoredFile) -> None:
    """Lock the jobs that begin with this file, and raise Refused (409) if one of them is under way."""
    for job in Job.objects.select_for_update(of=("self",)).filter(pk__in=file.used_by.values("job")):
        if job.submitted_at is not None and job.completed_at is None:
            raise Refused(
                FileRefusal.IN_USE,
                f"The job {job.name} ({job.pk}) begins with this file. Wait until it is Completed.",
                status=409,
            )


def delete_file(actor: Actor, file: StoredFile) -> None:
    """Delete a file with its content. Raises Refused (`file_in_use`, 409) while a submitted job needs it."""
    with transaction.atomic():
        _check_not_in_use(file)
        record(actor, JobsAuditAction.FILE_DELETED, "file", file.pk, owner=file.owner, before=facts_of(file))
        content = file.file
        file.delete()
        # Delete the content after the row: no row is ever without its content.
        transaction.on_commit(lambda: content.delete(save=False), robust=True)


def _check_name(raw: bytes, field: str = "file") -> None:
    if reason := file_names.why_no_name(raw):
        raise Refused(FileRefusal.NAME_INVALID, f"A file's name {reason}.", field=field)


def facts_of(file: StoredFile) -> dict[str, Any]:
    """Return what the audit trail keeps of a file."""
    return {
        "name": file.name,
        "type_id": file.type_id,
        "size": file.size,
        "sha512": file.sha512,
        "job": file.job_id,
    }
