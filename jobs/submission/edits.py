"""Changing a job after it was saved: anything before it is submitted, its labels for ever."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from django.db import transaction

from accounts.audit.trail import Actor, record
from accounts.refusals import Refused
from jobs.models import Job
from jobs.storage.stored_files import attach_inputs
from jobs.submission import draft
from jobs.submission.draft import JobDraft
from jobs.submission.job_actions import DraftRefused, check_draft, offer_of

# What is only a name for people and programs: free to change while the job runs and after.
LABELS = ("name", "project_id", "is_low_priority")
INPUTS = "input_files"


def draft_of(job: Job) -> JobDraft:
    """The job as one would ask for it."""
    hours = job.walltime.total_seconds() / 3600
    return JobDraft(
        name=job.name,
        command=job.command,
        core_type=job.core_type_id,
        cores_per_slot=job.cores_per_slot,
        slots=job.slots,
        walltime_hours=int(hours) if hours.is_integer() else hours,
        analysis_code=job.analysis_code,
        analysis_version=job.analysis_version,
        env_vars=job.env_vars,
        auto_terminate_cluster=job.auto_terminate_cluster,
        is_low_priority=job.is_low_priority,
        project_id=job.project_id,
    )


def edit_job(
    actor: Actor, job: Job, asked: JobDraft, inputs: Sequence[tuple[str, bool]] | None = None
) -> Job:
    """Make the job what `asked` says; what is the same already is left alone.

    `inputs` (id, whether to unpack) replace the input files; None leaves them.

    Raises DraftRefused, or Refused (`already_submitted`, 409) when more than labels would change after submission.
    """
    with transaction.atomic():
        job = Job.objects.select_for_update(of=("self",)).select_related("owner", "core_type").get(pk=job.pk)
        before = draft_of(job)
        asked = replace(asked, name=asked.name.strip(), command=asked.command.replace("\r\n", "\n"))
        changed = {name for name, value in _plain(asked).items() if value != _plain(before)[name]}
        inputs_before = _inputs_of(job)
        inputs_after = inputs_before if inputs is None else dict(inputs)
        if list(inputs_after.items()) != list(inputs_before.items()):
            changed.add(INPUTS)
        if not changed:
            return job
        if changed <= set(LABELS):
            _check_labels(job, asked)
            columns = list(LABELS)
        elif job.submitted_at is not None:
            raise Refused(
                "already_submitted",
                "The job was submitted: only its name, project and priority can still be changed.",
                status=409,
            )
        else:
            columns = [*LABELS, *_take_over(job, asked)]
            if INPUTS in changed:
                attach_inputs(job, list(inputs_after.items()))
        for label in LABELS:
            setattr(job, label, getattr(asked, label))
        # Not the log's counter: events may be appended meanwhile.
        job.save(update_fields=columns)
        record(
            actor,
            "jobs:job:edited",
            "job",
            job.pk,
            owner=job.owner,
            before=_told(before, inputs_before, changed),
            after=_told(asked, inputs_after, changed),
        )
    return job


def _check_labels(job: Job, asked: JobDraft) -> None:
    """The rest of a running job need not be on offer any more."""
    found = [p for p in draft.problems(asked, offer_of(job.core_type)) if p.field == "name"]
    if found:
        raise DraftRefused(found)


def _take_over(job: Job, asked: JobDraft) -> list[str]:
    """Set everything that decides what runs; answer which columns that were."""
    core_type, offer = check_draft(asked)
    new = {
        "command": asked.command,
        "env_vars": dict(asked.env_vars),
        "analysis_code": asked.analysis_code,
        "analysis_version": asked.analysis_version,
        "core_type": core_type,
        "cores_per_slot": asked.cores_per_slot,
        "slots": asked.slots,
        "walltime": draft.walltime(asked, offer),
    }
    if asked.auto_terminate_cluster is not None:
        new["auto_terminate_cluster"] = asked.auto_terminate_cluster
    for name, value in new.items():
        setattr(job, name, value)
    return list(new)


def _plain(asked: JobDraft) -> dict[str, Any]:
    return asdict(replace(asked, env_vars=dict(asked.env_vars)))


def _inputs_of(job: Job) -> dict[str, bool]:
    return dict(job.inputs.values_list("file_id", "decompress"))


def _told(asked: JobDraft, inputs: dict[str, bool], changed: set[str]) -> dict[str, Any]:
    """For the audit trail: of commands and variables only their size, they may hold secrets."""
    facts = {name: value for name, value in {**_plain(asked), INPUTS: inputs}.items() if name in changed}
    for name in ("command", "env_vars"):
        if name in facts:
            facts[name] = f"{len(facts[name])} long"
    return facts
