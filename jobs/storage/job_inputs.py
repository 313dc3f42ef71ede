"""Attach stored files to a job: inputs of each analysis, and the scripts that run before and after it."""

from collections.abc import Sequence
from typing import NamedTuple

from django.db import transaction

from accounts.refusals import Refused
from jobs.models import Job, JobInput, StoredFile
from jobs.storage import file_names
from jobs.storage.input_staging import input_path
from jobs.storage.refusal_reasons import FileRefusal
from jobs.storage.stored_files import known_ids


class InputDraft(NamedTuple):
    """One file of one analysis (by position, from 0). `decompress` unpacks an archive."""

    file_id: str
    decompress: bool = True
    analysis: int = 0
    purpose: str = JobInput.Purpose.INPUT


def attach_inputs(job: Job, inputs: Sequence[InputDraft]) -> None:
    """Replace the job's files by these, in their order; what is named twice counts once.

    Raises Refused (`file_unknown`) unless all are the owner's own, (`file_name_twice`) if two different files have one
    name: on the node only one could be there.
    """
    known = known_ids(job.owner, [wanted.file_id for wanted in inputs])
    if any(wanted.file_id not in known for wanted in inputs):
        raise Refused(FileRefusal.UNKNOWN, "There is no such input file.", field="inputFiles")
    _check_names(known)
    rows = {(wanted.file_id, wanted.analysis, wanted.purpose): wanted for wanted in inputs}
    with transaction.atomic():
        job.inputs.all().delete()
        JobInput.objects.bulk_create(JobInput(job=job, **wanted._asdict()) for wanted in rows.values())


def inputs_of(job: Job) -> list[InputDraft]:
    """Return the job's files as they were attached."""
    return [
        InputDraft(row.file_id, row.decompress, row.analysis, JobInput.Purpose(row.purpose))
        for row in job.inputs.all()
    ]


def _check_names(ids: set[str]) -> None:
    """Check that every file can have its own place on the node. Raises Refused (`file_name_twice`)."""
    rows = StoredFile.objects.filter(pk__in=ids).only("name", "relative_path", "job_id")
    files = [(input_path(file), file.pk) for file in rows]
    folders = {path[:at] for path, _ in files for at, letter in enumerate(path) if letter == "/"}
    names: dict[str, str] = {}
    for path, pk in files:
        if names.setdefault(path, pk) != pk:
            raise Refused(
                FileRefusal.NAME_TWICE,
                f"Two input files have the name {file_names.shown(path)}. On the node only one of them could be there: "
                "leave one out, or upload it under another name.",
                field="inputFiles",
            )
        if path in folders:
            raise Refused(
                FileRefusal.NAME_TWICE,
                f"{file_names.shown(path)} is a file and a folder with other input files. On the node only one of "
                "them could be there: leave one out, or upload it under another name.",
                field="inputFiles",
            )
