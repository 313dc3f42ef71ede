"""Everything a person can do to a job: one verb, one transaction, one audit event, one bell.

Pages, the REST API and tests call these; nothing else writes a job's row on a person's behalf.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.audit.trail import Actor, record
from accounts.keys import validity
from accounts.models import User
from accounts.refusals import Refused, SeveralRefused
from accounts.services import job_settings
from jobs import ids
from jobs.context import reporting
from jobs.costs import still_running
from jobs.events import handles, history, job_log, wakeups
from jobs.models import Cluster, CoreType, Job, StoredFile
from jobs.states import Desired, JobState, Observed
from jobs.submission import draft, settings_diff
from jobs.submission.draft import JobDraft, Offer
from jobs.submission.settings_diff import Change


class DraftRefused(SeveralRefused):
    """A draft with problems."""


def offer_of(core_type: CoreType) -> Offer:
    """What may be asked of a core type."""
    return Offer(
        core_type=core_type.name,
        cores=core_type.cores,
        max_slots=settings.HEADNODE_MAX_SLOTS,
        max_hours=settings.HEADNODE_MAX_JOB_HOURS,
    )


def check_draft(asked: JobDraft, *, needs_command: bool = True) -> tuple[CoreType, Offer]:
    """The core type a draft asks for and what it offers. Raises DraftRefused with every problem found."""
    core_type = CoreType.objects.filter(code=asked.core_type, is_active=True).first()
    if core_type is None:
        codes = ", ".join(CoreType.objects.filter(is_active=True).values_list("code", flat=True))
        unknown = Refused(
            "core_type_unknown", f"There is no such core type. Choose one of: {codes}.", field="coreType"
        )
        anything = Offer(
            "", [asked.cores_per_slot], settings.HEADNODE_MAX_SLOTS, settings.HEADNODE_MAX_JOB_HOURS
        )
        others = [p for p in draft.problems(asked, anything) if p.field != "coresPerSlot"]
        raise DraftRefused([unknown, *others])
    offer = offer_of(core_type)
    if found := draft.problems(asked, offer, needs_command=needs_command):
        raise DraftRefused(found)
    return core_type, offer


def create_job(actor: Actor, owner: User, asked: JobDraft, *, needs_command: bool = True) -> Job:
    """Save a job without starting it. Raises DraftRefused with every problem found."""
    core_type, offer = check_draft(asked, needs_command=needs_command)
    auto_terminate = asked.auto_terminate_cluster
    with transaction.atomic():
        job = Job.objects.create(
            # Host names know no upper case: two jobs must not share an alias.
            id=ids.free_id(lambda found: Job.objects.filter(pk__iexact=found).exists()),
            owner=owner,
            name=asked.name.strip(),
            command=asked.command.replace("\r\n", "\n"),
            analysis_code=asked.analysis_code[:80],
            analysis_version=asked.analysis_version[:80],
            env_vars=dict(asked.env_vars),
            core_type=core_type,
            cores_per_slot=asked.cores_per_slot,
            slots=asked.slots,
            walltime=draft.walltime(asked, offer),
            is_low_priority=asked.is_low_priority,
            project_id=asked.project_id,
            auto_terminate_cluster=job_settings(owner).auto_terminate_cluster
            if auto_terminate is None
            else auto_terminate,
        )
        record(actor, "jobs:job:created", "job", job.id, owner=owner, after=_facts(job))
    return job


def settings_snapshot(owner: User) -> dict[str, Any]:
    """The keys, rules and switches of a person as they are now."""
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
    """What changed in the owner's keys and rules since the job began; nothing once its cluster is gone."""
    cluster = Cluster.objects.filter(job=job).first()
    if cluster is None or cluster.observed_state == Observed.RELEASED or not job.settings_snapshot:
        return []
    return settings_diff.changes(job.settings_snapshot, settings_snapshot(job.owner))


def submit_job(actor: Actor, job: Job, plan: Mapping[str, Any] | None = None) -> Job:
    """Start a saved job: its settings are copied, its cluster is ordered, with the members of the plan if it has one.

    Raises Refused (`already_submitted`, 409).
    """
    with transaction.atomic():
        now = timezone.now()
        claimed = Job.objects.filter(pk=job.pk, submitted_at=None, stop_requested_at=None).update(
            submitted_at=now, settings_snapshot=settings_snapshot(job.owner)
        )
        if claimed != 1:
            raise Refused("already_submitted", "This job was submitted before.", status=409)
        job.refresh_from_db()
        cluster = Cluster.objects.create(
            job=job, owner=job.owner, handle=handles.next_handle(job.owner), plan=dict(plan or {})
        )
        history.job_status(job, JobState.PENDING)
        history.cluster_status(cluster)
        job_log.append(job, "portal", f"Job submitted by {actor.name}.", stage=JobState.PENDING)
        if not validity.usable_keys(job.owner):
            job_log.append(
                job,
                "portal",
                "No usable SSH public key is saved in Job Settings: the browser terminal works, your own ssh will "
                "not until you add one.",
                level="warning",
            )
        record(actor, "jobs:job:submitted", "job", job.id, owner=job.owner, after=_facts(job))
        wakeups.wake(cluster.pk)
    return job


def stop_job(actor: Actor, job: Job) -> bool:
    """Terminate: end the command and the whole cluster. Idempotent; True when this call was the first.

    Raises Refused (`not_submitted`, 409) for a job that was only saved.
    """
    if job.submitted_at is None:
        raise Refused("not_submitted", "This job was not submitted: there is nothing to stop.", status=409)
    with transaction.atomic():
        cluster = Cluster.objects.select_for_update().get(job=job)
        if cluster.observed_state in (Observed.RELEASING, Observed.RELEASED):
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
            history.job_status(job, JobState.STOPPING, "User Terminated")
            job_log.append(job, "portal", "Stopping job (User terminated)...", stage=JobState.STOPPING)
        else:
            job_log.append(job, "portal", f"Terminating the cluster: asked by {actor.name}.")
        if (running := still_running.still_running_of(cluster)).nodes:
            job_log.append(job, "portal", running.sentence)
        history.cluster_status(cluster, "User Terminated")
        record(actor, "jobs:job:stopped", "job", job.id, owner=job.owner)
        wakeups.wake(cluster.pk)
    return True


def delete_job(actor: Actor, job: Job) -> None:
    """Forget a job and its output files. Raises Refused (`cluster_running`) while its cluster is not Stopped."""
    with transaction.atomic():
        cluster = Cluster.objects.select_for_update().filter(job=job).first()
        if cluster is not None and cluster.observed_state != Observed.RELEASED:
            raise Refused(
                "cluster_running",
                f"The job's cluster is {cluster.status}. Terminate it and wait until it is Stopped, then delete.",
                status=400,
            )
        record(actor, "jobs:job:deleted", "job", job.id, owner=job.owner, before=_facts(job))
        files = list(StoredFile.objects.filter(job=job))
        report = cluster.context_report if cluster is not None else ""
        job.delete()
        # Bytes go only when the rows are gone for good; a crash in between leaves files, never dangling rows.
        transaction.on_commit(lambda: _remove_bytes(files, report), robust=True)


def _remove_bytes(files: list[StoredFile], report: str) -> None:
    for file in files:
        file.file.delete(save=False)
    reporting.remove_report(report)


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
