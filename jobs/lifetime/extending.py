"""Extend a cluster: the owner's request for more time."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.audit.trail import Actor, record
from accounts.refusals import Refused
from jobs.costs.budget_rows import applying_to
from jobs.events import job_log, wakeups
from jobs.events.audit_actions import JobsAuditAction
from jobs.lifetime import budget_limits, deadline, deadline_limits, deadline_store
from jobs.lifetime.refusal_reasons import LifetimeRefusal
from jobs.models import Cluster, Job
from jobs.states import LogSource


def extend_job(
    actor: Actor, job: Job, *, by: timedelta | None = None, until: datetime | None = None
) -> Cluster:
    """Move the deadline of the job's cluster, and with it the walltime of a running command. Warnings are given again.

    Repeating the same `until` changes nothing. Raises Refused: `not_submitted`, `nothing_to_extend`,
    `deadline_passed`, `beyond_budget` (409), `bad_extension`, `beyond_policy` (400).
    """
    if job.submitted_at is None:
        raise Refused(
            LifetimeRefusal.NOT_SUBMITTED,
            "This job was not submitted: there is nothing to extend. Change its walltime instead.",
            status=409,
        )
    with transaction.atomic():
        budgets = budget_limits.locked(applying_to(job.owner_id, job.project_id).filter(enforced=True))
        found = Cluster.objects.select_for_update(of=("self",)).select_related("job__owner", "job__core_type")
        cluster = found.get(job=job)
        now, before = timezone.now(), deadline_limits.life_of(cluster)
        _check_not_passed(cluster, before, now)
        if budgets and (wanted := _wanted(cluster, before, by, until)) is not None:
            field = "seconds" if until is None else "until"
            budget_limits.check_extension(cluster, wanted, budgets, field=field)
        policy, others = deadline_limits.policy(), deadline_limits.other_limits(cluster)
        after = deadline.extended(before, policy, now, by=by, until=until, others=others)
        moved = deadline.earliest_deadline(after, policy, others)
        if moved is not None and moved.at != cluster.deadline_at:
            _save(actor, cluster, after, moved)
    return cluster


def _check_not_passed(cluster: Cluster, life: deadline.Life, now: datetime) -> None:
    """Refuse if the deadline in the row has passed: the loop acts on that one, even if the limits changed since."""
    if deadline.why_not_extendable(life) or cluster.deadline_at is None:
        return
    if now >= cluster.deadline_at:
        raise Refused(
            LifetimeRefusal.DEADLINE_PASSED,
            "The deadline has passed. The cluster is being terminated.",
            status=409,
        )


def _wanted(
    cluster: Cluster, life: deadline.Life, by: timedelta | None, until: datetime | None
) -> datetime | None:
    """Return the moment that is asked for; None if the deadline need not move, or cannot for another reason."""
    present = cluster.deadline_at
    if deadline.why_not_extendable(life) or present is None or (by is None) == (until is None):
        return None
    if until is None:
        until = present + by if by is not None and timedelta() < by <= deadline.LONGEST_EXTENSION else present
    return until if until > present else None


def _save(actor: Actor, cluster: Cluster, life: deadline.Life, moved: deadline.Deadline) -> None:
    job, before = cluster.job, cluster.deadline_at
    deadline_store.save_extension(cluster, moved, life)
    if life.walltime != job.walltime:
        job.walltime = life.walltime
        job.save(update_fields=["walltime"])
    text = f"{actor.name} extended the deadline: the cluster can run until {deadline.moment(moved.at)}."
    job_log.append(job, LogSource.PORTAL, text)
    record(
        actor,
        JobsAuditAction.JOB_EXTENDED,
        "job",
        job.pk,
        owner=job.owner,
        before={"name": job.name, "deadline": before.isoformat() if before else ""},
        after={"name": job.name, "deadline": moved.at.isoformat(), "reason": moved.reason.value},
    )
    wakeups.wake(cluster.pk)
