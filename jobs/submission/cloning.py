"""Make a new job of an earlier one: the same command, hardware, settings and input files, saved but not submitted."""

from dataclasses import replace

from django.db import transaction

from accounts.audit.trail import Actor, record
from accounts.models import User
from accounts.refusals import Refused
from jobs.events.audit_actions import JobsAuditAction
from jobs.models import ClusterDefinition, Job
from jobs.storage.job_inputs import attach_inputs, inputs_of
from jobs.submission import edits, job_actions
from jobs.submission.draft import MAX_NAME
from jobs.submission.job_project import project_of_copy
from jobs.submission.refusal_reasons import JobRefusal

PREFIX = "Copy of "


def clone_job(actor: Actor, owner: User, job: Job) -> Job:
    """Save a copy of the job for `owner`, who must own it.

    Raises DraftRefused when the catalogue or the limits no longer allow what the job asked for, Refused
    (`launched_from_definition`, 409) for a cluster of unlike nodes.
    """
    if ClusterDefinition.objects.filter(cluster__job=job).exists():
        raise Refused(
            JobRefusal.LAUNCHED_FROM_DEFINITION,
            "This cluster was launched from a definition. Launch the definition again instead.",
            status=409,
        )
    before = edits.draft_of(job)
    name = before.name if before.name.startswith(PREFIX) else f"{PREFIX}{before.name}"[:MAX_NAME]
    with transaction.atomic():
        # The setting that the job had, as it was decided then: both switches together may not be true.
        asked = replace(before, name=name, project_id=project_of_copy(owner, before.project_id))
        copy = job_actions.create_job(actor, owner, asked)
        copy.cloned_from = job
        copy.save(update_fields=["cloned_from"])
        attach_inputs(copy, inputs_of(job))
        record(
            actor, JobsAuditAction.JOB_CLONED, "job", copy.pk, owner=owner, after={"name": name, "of": job.pk}
        )
    return copy
