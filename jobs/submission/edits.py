"""Change a saved job: everything before it is submitted, its labels at any time."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from django.db import transaction

from accounts.audit.trail import Actor, record
from accounts.refusals import Refused
from jobs.events.audit_actions import JobsAuditAction
from jobs.models import Job
from jobs.storage.stored_files import attach_inputs
from jobs.submission import draft
from jobs.submission.draft import JobDraft
from jobs.submission.job_actions import DraftRefused, check_draft, offer_of
from jobs.submission.refusal_reasons import JobRefusal

# Labels for users and programs, which do not affect the run: they can change while the job runs and after.
LABELS = ("name", "project_id", "is_low_priority")
INPUTS = "input_files"


def draft_of(job: Job) -> JobDraft:
    """Return the draft that describes the job."""
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
    """Change the job to what `asked` says, and return it.

    `inputs` (id, whether to unpack) replace the input files; None keeps them.

    Raises DraftRefused, or Refused (`already_submitted`, 409) when more than labels would change after submission.
    """
    with transaction.atomic():
        job = Job.objects.select_for_update(of=("self",)).select_related("owner", "core_type").get(pk=job.pk)
        before = draft_of(job)
        asked = replace(asked, name=asked.name.strip(), command=asked.command.replace("\r\n", "\n"))
        changed = {name for name, value in _as_dict(asked).items() if value != _as_dict(before)[name]}
        inputs_before = _inputs_of(job)
        inputs_after = inputs_before if inputs is None else dict(inputs)
        if list(inputs_after.items()) != list(inputs_before.items()):
            changed.add(INPUTS)
        if not changed:
            return job
        columns = _apply(job, asked, inputs_after, changed)
        # Only these columns: the log's counter may change meanwhile.
        job.save(update_fields=columns)
        record(
            actor,
            JobsAuditAction.JOB_EDITED,
            "job",
            job.pk,
            owner=job.owner,
            before=_audit_facts(before, inputs_before, changed),
            after=_audit_facts(asked, inputs_after, changed),
        )
    return job


def _apply(job: Job, asked: JobDraft, inputs: dict[str, bool], changed: set[str]) -> list[str]:
    """Set the job's fields without saving them, attach its input files, and return the columns to save."""
    columns = list(LABELS)
    if changed <= set(LABELS):
        _check_labels(job, asked)
    elif job.submitted_at is not None:
        raise Refused(
            JobRefusal.ALREADY_SUBMITTED,
            "The job was submitted: only its name, project and priority can still be changed.",
            status=409,
        )
    else:
        columns += _set_run_fields(job, asked)
        if INPUTS in changed:
            attach_inputs(job, list(inputs.items()))
    for label in LABELS:
        setattr(job, label, getattr(asked, label))
    return columns


def _check_labels(job: Job, asked: JobDraft) -> None:
    """Check only the name: the hardware of a submitted job may no longer be on offer."""
    found = [p for p in draft.find_problems(asked, offer_of(job.core_type)) if p.field == "name"]
    if found:
        raise DraftRefused(found)


def _set_run_fields(job: Job, asked: JobDraft) -> list[str]:
    """Set every field that affects the run, and return their columns."""
    checked = check_draft(asked)
    new = {
        "command": asked.command,
        "env_vars": dict(asked.env_vars),
        "analysis_code": asked.analysis_code,
        "analysis_version": checked.version.code,
        "core_type": checked.core_type,
        "cores_per_slot": asked.cores_per_slot,
        "slots": asked.slots,
        "walltime": draft.walltime_of(asked, checked.offer),
    }
    if asked.auto_terminate_cluster is not None:
        new["auto_terminate_cluster"] = asked.auto_terminate_cluster
    for name, value in new.items():
        setattr(job, name, value)
    return list(new)


def _as_dict(asked: JobDraft) -> dict[str, Any]:
    return asdict(replace(asked, env_vars=dict(asked.env_vars)))


def _inputs_of(job: Job) -> dict[str, bool]:
    return dict(job.inputs.values_list("file_id", "decompress"))


def _audit_facts(asked: JobDraft, inputs: dict[str, bool], changed: set[str]) -> dict[str, Any]:
    """Return what changed, for the audit trail. Commands and variables may hold secrets: only their length is kept."""
    facts = {name: value for name, value in {**_as_dict(asked), INPUTS: inputs}.items() if name in changed}
    for name in ("command", "env_vars"):
        if name in facts:
            facts[name] = f"{len(facts[name])} long"
    return facts
