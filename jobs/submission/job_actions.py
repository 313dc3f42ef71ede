"""Save, submit, stop and delete jobs. Each action is one transaction with one audit event and a wake-up of the loop.

Pages, the REST API and tests call these functions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import cidr
from accounts.audit.trail import Actor, record
from accounts.keys import key_policy, validity
from accounts.models import User
from accounts.refusal_reasons import RefusalReason
from accounts.refusals import Refused, SeveralRefused
from accounts.services import job_settings
from accounts.services.projects import check_project_for_run
from jobs import ids
from jobs.access import access_needs
from jobs.catalogue import choice
from jobs.catalogue.choice import ChosenVersion
from jobs.context import report_store
from jobs.costs.still_running import still_running_of
from jobs.events import handles, history, job_log, wakeups
from jobs.events.audit_actions import JobsAuditAction
from jobs.models import Cluster, CoreType, Job, StoredFile
from jobs.states import ENDING, Desired, JobState, LogLevel, LogSource, Observed
from jobs.submission import draft, job_fields, settings_diff
from jobs.submission.draft import AnalysisRefused, JobDraft, Offer
from jobs.submission.job_project import project_of
from jobs.submission.refusal_reasons import JobRefusal
from jobs.submission.settings_diff import Change


class DraftRefused(SeveralRefused):
    """The draft has problems."""


def offer_of(core_type: CoreType) -> Offer:
    """Return what may be asked of a core type."""
    return Offer(
        core_type=core_type.name,
        cores=core_type.cores,
        max_slots=settings.HEADNODE_MAX_SLOTS,
        max_hours=settings.HEADNODE_MAX_JOB_HOURS,
        max_idle_minutes=settings.HEADNODE_MAX_IDLE_MINUTES,
    )


@dataclass(frozen=True)
class CheckedDraft:
    """What the catalogue has for a draft without problems: the core type, and the version of each analysis."""

    core_type: CoreType
    offer: Offer
    versions: tuple[ChosenVersion, ...]


def check_draft(asked: JobDraft, *, needs_command: bool = True) -> CheckedDraft:
    """Return what the draft chose from the catalogue. Raises DraftRefused with every problem."""
    on_offer = CoreType.objects.filter(code=asked.core_type, is_active=True)
    core_type = on_offer.first() if choice.can_be_code(asked.core_type) else None
    versions, software = _choose_versions(asked, core_type)
    if core_type is None:
        codes = ", ".join(CoreType.objects.filter(is_active=True).values_list("code", flat=True))
        unknown = Refused(
            JobRefusal.CORE_TYPE_UNKNOWN,
            f"There is no such core type. Choose one of: {codes}.",
            field="coreType",
        )
        anything = Offer(
            "", [asked.cores_per_slot], settings.HEADNODE_MAX_SLOTS, settings.HEADNODE_MAX_JOB_HOURS
        )
        others = draft.find_problems(asked, anything, needs_command=needs_command)
        raise DraftRefused([unknown, *(p for p in others if p.field != "coresPerSlot"), *software])
    offer = offer_of(core_type)
    found = [*draft.find_problems(asked, offer, needs_command=needs_command), *software]
    if found := found or _forbidden_rules(asked):
        raise DraftRefused(found)
    return CheckedDraft(core_type, offer, versions)


def _choose_versions(
    asked: JobDraft, core_type: CoreType | None
) -> tuple[tuple[ChosenVersion, ...], list[Refused]]:
    """Return the version of each analysis, and what is wrong with the choice of software."""
    versions: list[ChosenVersion] = []
    found: list[Refused] = []
    for position, analysis in enumerate(asked.analyses):
        try:
            versions.append(choice.chosen_version(analysis.analysis_code, analysis.analysis_version))
        except Refused as refused:
            found.append(AnalysisRefused(refused, position))
            continue
        if core_type is not None and (wrong := choice.check_core_type(versions[-1], core_type.code)):
            found.append(AnalysisRefused(wrong, position))
    return tuple(versions), found


def _forbidden_rules(asked: JobDraft) -> list[Refused]:
    """Return why a rule of the job's own is not allowed here, whatever its form."""
    for rule in asked.cidr_rules:
        try:
            key_policy.check_rule(cidr.parse(rule).network)
        except Refused as refused:
            return [Refused(refused.reason, refused.message, field="cidrRule")]
    return []


def create_job(actor: Actor, owner: User, asked: JobDraft, *, needs_command: bool = True) -> Job:
    """Save a job without starting it. Raises DraftRefused with every problem."""
    asked = replace(asked, project_id=project_of(owner, asked.project_id))
    checked = check_draft(asked, needs_command=needs_command)
    with transaction.atomic():
        job = Job(
            # Host names ignore case: two jobs must not share an alias.
            id=ids.free_id(lambda found: Job.objects.filter(pk__iexact=found).exists()),
            owner=owner,
            auto_terminate_cluster=job_settings(owner).auto_terminate_cluster,
        )
        for name, value in {
            **job_fields.run_fields(asked, checked),
            **job_fields.label_fields(asked),
        }.items():
            setattr(job, name, value)
        job.save(force_insert=True)
        job_fields.save_following(job, asked, checked)
        record(actor, JobsAuditAction.JOB_CREATED, "job", job.id, owner=owner, after=_facts(job))
    return job


def settings_snapshot(owner: User) -> dict[str, Any]:
    """Return the user's keys, rules and switches as they are now."""
    row = job_settings(owner)
    return {
        "ssh_keys": [
            {
                "name": key.name,
                "fingerprint": key.fingerprint,
                "public_key": key.public_key,
                "standing": validity.key_validity(key).value,
            }
            for key in owner.ssh_keys.all()
        ],
        "access_rules": [
            {"cidr": rule.cidr, "note": rule.note, "standing": validity.rule_validity(rule).value}
            for rule in owner.access_rules.all()
        ],
        "ssh_access": row.ssh_access,
        "auto_terminate_cluster": row.auto_terminate_cluster,
    }


def settings_changes(job: Job) -> list[Change]:
    """Return what changed in the owner's settings since the job was submitted; empty once its cluster is gone."""
    cluster = Cluster.objects.filter(job=job).first()
    if cluster is None or cluster.observed_state == Observed.RELEASED or not job.settings_snapshot:
        return []
    return settings_diff.changes(job.settings_snapshot, settings_snapshot(job.owner))


def check_people_are_apart() -> None:
    """Raise Refused (`single_person`, 409) if jobs cannot run because nothing keeps people from each other's nodes."""
    if User.too_many_here():
        raise Refused(
            RefusalReason.SINGLE_PERSON,
            "Nodes on this machine have no sandbox, so users could reach each other's clusters, and several users have "
            "accounts. Ask your administrator to install bubblewrap and start Headnode again.",
            status=409,
        )


def submit_job(actor: Actor, job: Job, plan: Mapping[str, Any] | None = None) -> Job:
    """Start a saved job: copy the owner's settings and create its cluster, with `plan` if it has one of its own.

    Raises Refused (`already_submitted`, `single_person`, 409; `project_required`, `project_unknown`).
    """
    check_people_are_apart()
    with transaction.atomic():
        if job.submitted_at is None:
            check_project_for_run(job.owner, job.project_id)
        now = timezone.now()
        claimed = Job.objects.filter(pk=job.pk, submitted_at=None, stop_requested_at=None).update(
            submitted_at=now, settings_snapshot=settings_snapshot(job.owner)
        )
        if claimed != 1:
            raise Refused(JobRefusal.ALREADY_SUBMITTED, "This job was submitted before.", status=409)
        job.refresh_from_db()
        cluster = Cluster.objects.create(
            job=job, owner=job.owner, handle=handles.next_handle(job.owner), plan=dict(plan or {})
        )
        history.record_job_status(job, JobState.PENDING)
        history.record_cluster_status(cluster)
        job_log.append(job, LogSource.PORTAL, f"Job submitted by {actor.name}.", stage=JobState.PENDING)
        for warning in access_needs.submission_warnings(job):
            job_log.append(job, LogSource.PORTAL, warning, level=LogLevel.WARNING)
        record(actor, JobsAuditAction.JOB_SUBMITTED, "job", job.id, owner=job.owner, after=_facts(job))
        wakeups.wake(cluster.pk)
    return job


def stop_job(actor: Actor, job: Job) -> bool:
    """Terminate the command and the whole cluster. Idempotent: return True when this call was the first.

    Raises Refused (`not_submitted`, 409) for a job that was only saved.
    """
    if job.submitted_at is None:
        raise Refused(
            JobRefusal.NOT_SUBMITTED, "This job was not submitted: there is nothing to stop.", status=409
        )
    with transaction.atomic():
        cluster = Cluster.objects.select_for_update().get(job=job)
        if cluster.observed_state in ENDING:
            return False
        changed = Cluster.objects.filter(pk=cluster.pk, desired_state=Desired.RUNNING).update(
            desired_state=Desired.STOPPED
        )
        if changed != 1:
            return False
        cluster.refresh_from_db()
        Job.objects.filter(pk=job.pk).update(stop_requested_at=timezone.now())
        job.refresh_from_db()
        if job.completed_at is None:
            history.record_job_status(job, JobState.STOPPING, "User Terminated")
            job_log.append(
                job, LogSource.PORTAL, "Stopping job (User terminated)...", stage=JobState.STOPPING
            )
        else:
            job_log.append(job, LogSource.PORTAL, f"Terminating the cluster, requested by {actor.name}.")
        if (running := still_running_of(cluster)).nodes:
            job_log.append(job, LogSource.PORTAL, running.sentence)
        history.record_cluster_status(cluster, "User Terminated")
        record(actor, JobsAuditAction.JOB_STOPPED, "job", job.id, owner=job.owner)
        wakeups.wake(cluster.pk)
    return True


def delete_job(actor: Actor, job: Job) -> None:
    """Delete a job and its output files. Raises Refused (`cluster_running`) until its cluster is Stopped."""
    with transaction.atomic():
        cluster = Cluster.objects.select_for_update().filter(job=job).first()
        if cluster is not None and cluster.observed_state != Observed.RELEASED:
            raise Refused(
                JobRefusal.CLUSTER_RUNNING,
                f"The job's cluster is {cluster.status}. Terminate it and wait until it is Stopped, then delete.",
                status=400,
            )
        record(actor, JobsAuditAction.JOB_DELETED, "job", job.id, owner=job.owner, before=_facts(job))
        files = list(StoredFile.objects.filter(job=job))
        report = cluster.context_report if cluster is not None else ""
        job.delete()
        # Delete the files after the rows: a crash in between leaves files, but no row without its file.
        transaction.on_commit(lambda: _delete_files(files, report), robust=True)


def _delete_files(files: list[StoredFile], report: str) -> None:
    for file in files:
        file.file.delete(save=False)
    report_store.remove_report(report)


def _facts(job: Job) -> dict[str, Any]:
    return {
        "name": job.name,
        "core_type": job.core_type_id,
        "cores_per_slot": job.cores_per_slot,
        "slots": job.slots,
        "walltime_seconds": job.walltime.total_seconds(),
        "auto_terminate_cluster": job.auto_terminate_cluster,
        "command_bytes": len(job.command.encode()),
    }
