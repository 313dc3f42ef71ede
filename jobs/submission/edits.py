"""Change a saved job: everything before it is submitted, its labels at any time."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from django.db import transaction

from accounts.audit.trail import Actor, record
from accounts.refusals import Refused
from jobs.events.audit_actions import JobsAuditAction
from jobs.models import Charge, Cluster, Job
from jobs.storage.job_inputs import InputDraft, attach_inputs, inputs_of
from jobs.submission import draft, job_fields
from jobs.submission.draft import JobDraft
from jobs.submission.job_actions import DraftRefused, check_draft, offer_of
from jobs.submission.job_fields import LABELS
from jobs.submission.job_project import checked_project
from jobs.submission.refusal_reasons import JobRefusal

INPUTS = "input_files"
# What may hold secrets: the audit trail has only its length.
SECRETS = ("command", "env_vars", "pre_process_command", "post_process_command", "following")


def draft_of(job: Job) -> JobDraft:
    """Return the draft that describes the job."""
    hours = job.walltime.total_seconds() / 3600
    first, *following = map(job_fields.analysis_draft_of, job.analyses)
    return JobDraft(
        **vars(first),
        following=tuple(following),
        name=job.name,
        core_type=job.core_type_id,
        cores_per_slot=job.cores_per_slot,
        slots=job.slots,
        walltime_hours=int(hours) if hours.is_integer() else hours,
        auto_terminate_cluster=job.auto_terminate_cluster,
        run_forever=job.run_forever,
        idle_minutes=job.idle_minutes,
        is_interactive=job.is_interactive,
        is_low_priority=job.is_low_priority,
        project_id=job.project_id,
        description=job.description,
        user_tags=tuple(job.user_tags),
        archive_filters=tuple(job.archive_filters),
        cidr_rules=tuple(job.cidr_rules),
    )


def edit_job(actor: Actor, job: Job, asked: JobDraft, inputs: Sequence[InputDraft] | None = None) -> Job:
    """Change the job to what `asked` says, and return it. `inputs` replace its files; None keeps them.

    Raises DraftRefused, or Refused (`already_submitted`, 409) when more than labels would change after submission.
    """
    with transaction.atomic():
        # Before the job's own row: who writes charges locks the cluster, and then reads the job's name and project.
        list(Cluster.objects.select_for_update().filter(job=job.pk).values_list("pk"))
        job = Job.objects.select_for_update(of=("self",)).select_related("owner", "core_type").get(pk=job.pk)
        before = draft_of(job)
        asked = _cleaned(asked)
        changed = {name for name, value in asdict(asked).items() if value != asdict(before)[name]}
        inputs_before = inputs_of(job)
        inputs_after = inputs_before if inputs is None else list(inputs)
        if inputs_after != inputs_before:
            changed.add(INPUTS)
        if not changed:
            return job
        if "project_id" in changed:
            asked = replace(asked, project_id=checked_project(job.owner, asked.project_id))
        columns = _apply(job, asked, inputs_after, changed)
        # Only these columns: the log's counter may change meanwhile.
        job.save(update_fields=columns)
        if changed & {"name", "project_id"}:
            # What it has cost moves with it: a project's costs are those of its jobs.
            charges = Charge.objects.filter(job_id=job.pk)
            charges.update(project_id=job.project_id or "", job_name=job.name)
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


def _cleaned(asked: JobDraft) -> JobDraft:
    """Return the draft as it would be saved, so that only real changes count as such."""
    texts = {
        name: getattr(asked, name).replace("\r\n", "\n")
        for name in ("command", "pre_process_command", "post_process_command")
    }
    return replace(asked, name=asked.name.strip(), env_vars=dict(asked.env_vars), **texts)


def _apply(job: Job, asked: JobDraft, inputs: Sequence[InputDraft], changed: set[str]) -> list[str]:
    """Set the job's fields without saving them, attach its input files, and return the columns to save."""
    fields = job_fields.label_fields(asked)
    if changed <= set(LABELS):
        _check_labels(job, asked)
    elif job.submitted_at is not None:
        raise Refused(
            JobRefusal.ALREADY_SUBMITTED,
            "The job was submitted: only its name, description, tags, project and priority can still be changed.",
            status=409,
        )
    else:
        checked = check_draft(asked)
        fields |= job_fields.run_fields(asked, checked)
        job_fields.save_following(job, asked, checked)
        if INPUTS in changed:
            attach_inputs(job, inputs)
    for name, value in fields.items():
        setattr(job, name, value)
    return list(fields)


def _check_labels(job: Job, asked: JobDraft) -> None:
    """Check only the labels: the hardware of a submitted job may no longer be on offer."""
    named = [p for p in draft.find_problems(asked, offer_of(job.core_type)) if p.field == "name"]
    if found := [*named, *draft.find_label_problems(asked)]:
        raise DraftRefused(found)


def _audit_facts(asked: JobDraft, inputs: Sequence[InputDraft], changed: set[str]) -> dict[str, Any]:
    """Return what changed, for the audit trail. Commands and variables may hold secrets: only their length is kept."""
    files = [wanted.file_id for wanted in inputs]
    facts = {name: value for name, value in {**asdict(asked), INPUTS: files}.items() if name in changed}
    for name in SECRETS:
        if name in facts:
            facts[name] = f"{len(facts[name])} long"
    return facts
