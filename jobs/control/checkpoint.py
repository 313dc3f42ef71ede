"""Saving how far a cluster has come: fenced by the claim and by the state it comes from."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from jobs.control import owner_intent
from jobs.control.claim import ClaimLost, worker_name
from jobs.events import history, job_log
from jobs.models import Cluster, Job
from jobs.states import JobState, Observed, Outcome


def advance(cluster: Cluster, to: Observed, reason: str = "", **fields: Any) -> None:
    """Move the cluster on, with a status row if its status changed. Call it inside a transaction with what
    belongs to the move. Raises ClaimLost when the row is not ours or not where we thought."""
    moved = Cluster.objects.filter(
        pk=cluster.pk, claimed_by=worker_name(), observed_state=cluster.observed_state
    ).update(observed_state=to, **fields)
    if moved != 1:
        raise ClaimLost(cluster.pk)
    cluster.observed_state = to
    cluster.failures = 0
    for name, value in fields.items():
        setattr(cluster, name, value)
    # What its owner wants may have changed while this pass ran; nothing we write now must say otherwise.
    owner_intent.reread(cluster)
    owner_intent.set_deadline(cluster)
    history.cluster_status(cluster, reason)
    job_log.notify(cluster.job_id)


def remember_plan(cluster: Cluster, state: dict[str, Any]) -> None:
    """Save what the cluster will be known by at its provider, before it is ordered. Raises ClaimLost."""
    saved = Cluster.objects.filter(pk=cluster.pk, claimed_by=worker_name()).update(provider_state=state)
    if saved != 1:
        raise ClaimLost(cluster.pk)
    cluster.provider_state = state


def fail(cluster: Cluster, why: str) -> None:
    """The cluster broke: say so once. The next decision releases it."""
    with transaction.atomic():
        marked = Cluster.objects.filter(pk=cluster.pk, claimed_by=worker_name(), failure="").update(
            failure=why[:500]
        )
        if marked != 1:
            raise ClaimLost(cluster.pk)
        cluster.failure = why[:500]
        history.cluster_status(cluster, why)
        job_log.append(cluster.job, "portal", why, level="error", stage="Error")


def complete(job: Job, outcome: Outcome, reason: str, exit_code: int | None = None) -> None:
    """The job is over. Only the first call counts."""
    with transaction.atomic():
        first = Job.objects.filter(pk=job.pk, completed_at=None).update(completed_at=timezone.now())
        if first != 1:
            return
        if not Job.objects.filter(pk=job.pk, outcome="").update(
            outcome=outcome, outcome_reason=reason[:300], exit_code=exit_code
        ):
            reason = Job.objects.values_list("outcome_reason", flat=True).get(pk=job.pk)
        job.refresh_from_db()
        history.job_status(job, JobState.COMPLETED, reason)
        job_log.append(job, "portal", f"Job completed: {reason}.", stage=JobState.COMPLETED)


def remember_outcome(job: Job, outcome: Outcome, reason: str, exit_code: int | None = None) -> None:
    """How the command ended, kept until the job is complete. Only the first call counts."""
    Job.objects.filter(pk=job.pk, outcome="").update(
        outcome=outcome, outcome_reason=reason[:300], exit_code=exit_code
    )
    job.refresh_from_db()
