"""Changing a job after it was saved: anything before it is submitted, its labels for ever."""

from dataclasses import asdict, replace
from typing import Any

from django.db import transaction

from accounts.audit import Actor, record
from accounts.refusals import Refused
from jobs import draft
from jobs.draft import JobDraft
from jobs.models import Job
from jobs.services import check_draft

# What is only a name for people and programs: free to change while the job runs and after.
LABELS = ("name", "project_id", "is_low_priority")


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


def edit_job(actor: Actor, job: Job, asked: JobDraft) -> Job:
    """Make the job what `asked` says; what is the same already is left alone.

    Raises DraftRefused, or Refused (`already_submitted`, 409) when more than labels would change after submission.
    """
    with transaction.atomic():
        job = Job.objects.select_for_update(of=("self",)).select_related("owner").get(pk=job.pk)
        before = draft_of(job)
        asked = replace(asked, name=asked.name.strip(), command=asked.command.replace("\r\n", "\n"))
        changed = {name for name, value in _plain(asked).items() if value != _plain(before)[name]}
        if not changed:
            return job
        if job.submitted_at is not None and not changed <= set(LABELS):
            raise Refused(
                "already_submitted",
                "The job was submitted: only its name, project and priority can still be changed.",
                status=409,
            )
        core_type, offer = check_draft(asked)
        job.name = asked.name
        job.project_id = asked.project_id
        job.is_low_priority = asked.is_low_priority
        job.command = asked.command
        job.env_vars = dict(asked.env_vars)
        job.analysis_code = asked.analysis_code
        job.analysis_version = asked.analysis_version
        job.core_type = core_type
        job.cores_per_slot = asked.cores_per_slot
        job.slots = asked.slots
        job.walltime = draft.walltime(asked, offer)
        if asked.auto_terminate_cluster is not None:
            job.auto_terminate_cluster = asked.auto_terminate_cluster
        # Not the log's counter: events may be appended meanwhile.
        job.save(update_fields=_COLUMNS)
        record(
            actor,
            "jobs:job:edited",
            "job",
            job.pk,
            owner=job.owner,
            before=_told(before, changed),
            after=_told(asked, changed),
        )
    return job


_COLUMNS = [
    "name",
    "project_id",
    "is_low_priority",
    "command",
    "env_vars",
    "analysis_code",
    "analysis_version",
    "core_type",
    "cores_per_slot",
    "slots",
    "walltime",
    "auto_terminate_cluster",
]


def _plain(asked: JobDraft) -> dict[str, Any]:
    return asdict(replace(asked, env_vars=dict(asked.env_vars)))


def _told(asked: JobDraft, changed: set[str]) -> dict[str, Any]:
    """For the audit trail: of commands and variables only their size, they may hold secrets."""
    facts = {name: value for name, value in _plain(asked).items() if name in changed}
    for name in ("command", "env_vars"):
        if name in facts:
            facts[name] = f"{len(facts[name])} long"
    return facts
