"""Save how far a cluster has come, and how its job ended.

Every save names the claim and the state it replaces, so a worker that lost the claim writes nothing.
"""

from typing import Any

from django.db import transaction
from django.utils import timezone

from jobs.control import owner_intent
from jobs.control.usage_sentence import usage_sentence
from jobs.events import history, job_log, job_notices
from jobs.lifetime import deadline_store
from jobs.models import Cluster, Job
from jobs.models.claims import update_claimed
from jobs.states import ClusterState, JobState, LogLevel, LogSource, Observed, Outcome


def advance(cluster: Cluster, to: Observed, reason: str = "", **fields: Any) -> None:
    """Move the cluster to its next state, with a status row if its status changed.

    Call it inside a transaction together with what belongs to the move. Raises ClaimLost if the claim is lost or the
    row is in another state than expected.
    """
    update_claimed(cluster, only_if={"observed_state": cluster.observed_state}, observed_state=to, **fields)
    cluster.failures = 0
    # The owner's intent may have changed during this pass; what is written next must not contradict it.
    owner_intent.reread(cluster)
    deadline_store.enter_state(cluster)
    history.record_cluster_status(cluster, reason)
    job_log.notify(cluster.job_id)


def save_plan(cluster: Cluster, state: dict[str, Any]) -> None:
    """Save what the provider will know the cluster by, before it is ordered. Raises ClaimLost."""
    update_claimed(cluster, provider_state=state)


def fail(cluster: Cluster, why: str, what_follows: str = "") -> None:
    """Record, once, that the cluster failed, and in the Job Log what follows. Raises ClaimLost."""
    with transaction.atomic():
        update_claimed(cluster, only_if={"failure": ""}, failure=why[:500])
        history.record_cluster_status(cluster, why)
        text = f"{why} {what_follows}".strip()
        job_log.append(cluster.job, LogSource.PORTAL, text, level=LogLevel.ERROR, stage=ClusterState.ERROR)


def complete(job: Job, outcome: Outcome, reason: str, exit_code: int | None = None) -> None:
    """Complete the job. Only the first call counts."""
    with transaction.atomic():
        first = Job.objects.filter(pk=job.pk, completed_at=None).update(completed_at=timezone.now())
        if first != 1:
            return
        if not Job.objects.filter(pk=job.pk, outcome="").update(
            outcome=outcome, outcome_reason=reason[:300], exit_code=exit_code
        ):
            reason = Job.objects.values_list("outcome_reason", flat=True).get(pk=job.pk)
        job.refresh_from_db()
        history.record_job_status(job, JobState.COMPLETED, reason)
        job_log.append(job, LogSource.PORTAL, f"Job completed: {reason}.", stage=JobState.COMPLETED)
        job_notices.job_completed(job, usage_sentence(job))


def save_outcome(cluster: Cluster, outcome: Outcome, reason: str, exit_code: int | None = None) -> None:
    """Save how the command ended, until the job is completed. Only the first call counts.

    A cluster that failed decides: whatever its command did after that, the failure is what its owner has to know.
    """
    job = cluster.job
    if cluster.failure:
        outcome, reason = Outcome.ERROR, cluster.failure
    Job.objects.filter(pk=job.pk, outcome="").update(
        outcome=outcome, outcome_reason=reason[:300], exit_code=exit_code
    )
    job.refresh_from_db()
