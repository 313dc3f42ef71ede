"""Giving a cluster more time."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.audit.trail import Actor, record
from accounts.refusals import Refused
from jobs.events import job_log, wakeups
from jobs.lifetime import deadline, deadline_limits
from jobs.models import Cluster, Job


def extend_job(
    actor: Actor, job: Job, *, by: timedelta | None = None, until: datetime | None = None
) -> Cluster:
    """Move the deadline of the job's cluster, and with it the walltime of a command that runs. Warnings come again.

    `until` may be said any number of times. Raises Refused: `not_submitted`, `nothing_to_extend`, `deadline_passed`
    (409), `bad_extension`, `beyond_policy` (400).
    """
    if job.submitted_at is None:
        raise Refused(
            "not_submitted",
            "This job was not submitted: there is nothing to extend. Change its walltime instead.",
            status=409,
        )
    with transaction.atomic():
        found = Cluster.objects.select_for_update(of=("self",)).select_related("job__owner", "job__core_type")
        cluster = found.get(job=job)
        now, before = timezone.now(), deadline_limits.life_of(cluster)
        # What the loop goes by is what the row says; of the two, the earlier has passed first.
        if (
            not deadline.why_not_extendable(before)
            and cluster.deadline_at is not None
            and now >= cluster.deadline_at
        ):
            raise Refused("deadline_passed", "The deadline has passed: the cluster is ending.", status=409)
        policy, others = deadline_limits.policy(), deadline_limits.other_limits(cluster)
        after = deadline.extended(before, policy, now, by=by, until=until, others=others)
        moved = deadline.earliest_deadline(after, policy, others)
        if moved is not None and moved.at != cluster.deadline_at:
            _save(actor, cluster, after, moved)
    return cluster


def _save(actor: Actor, cluster: Cluster, life: deadline.Life, moved: deadline.Deadline) -> None:
    job, before = cluster.job, cluster.deadline_at
    cluster.deadline_at, cluster.deadline_reason = moved.at, moved.reason.value
    cluster.extended_until = life.extended_until
    cluster.warned_minutes = cluster.broadcast_minutes = deadline.crossed(moved.at - timezone.now())
    cluster.save(
        update_fields=[
            "deadline_at",
            "deadline_reason",
            "extended_until",
            "warned_minutes",
            "broadcast_minutes",
        ]
    )
    if life.walltime != job.walltime:
        job.walltime = life.walltime
        job.save(update_fields=["walltime"])
    job_log.append(
        job, "portal", f"{actor.name} extended the cluster: it may stay until {deadline.moment(moved.at)}."
    )
    record(
        actor,
        "jobs:job:extended",
        "job",
        job.pk,
        owner=job.owner,
        before={"name": job.name, "deadline": before.isoformat() if before else ""},
        after={"name": job.name, "deadline": moved.at.isoformat(), "reason": moved.reason.value},
    )
    wakeups.wake(cluster.pk)
