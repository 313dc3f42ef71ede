"""Order a cluster once its enforced budgets have room for it; until then its job waits as Queued, with the reason.

A waiting job is looked at again when a budget is changed, when there is room (`jobs.lifetime.budget_check`), and once
a minute in any case.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.control import provisioning
from jobs.events import history, job_log
from jobs.lifetime import budget_limits
from jobs.lifetime.budget_deadlines import enforced_budgets
from jobs.models import Budget, Cluster, JobStatus
from jobs.models.claims import update_claimed
from jobs.providers.base import Provider
from jobs.states import JobState, LogSource

LOOK_AGAIN = timedelta(minutes=1)


def provision_within_budgets(cluster: Cluster, provider: Provider) -> timedelta:
    """Order the nodes, or wait for a budget. What was let start is ordered, however often. Raises ProviderError."""
    # One whose plan is saved may be at the provider already.
    may_be_ordered = cluster.let_start_at is not None or bool(cluster.provider_state)
    if not may_be_ordered and not let_start(cluster):
        return LOOK_AGAIN
    return provisioning.provision(cluster, provider)


def let_start(cluster: Cluster) -> bool:
    """Return whether all budgets have room for the cluster, and save it. Of several at once, one comes after another.

    Raises ClaimLost.
    """
    with transaction.atomic():
        budgets = budget_limits.locked(enforced_budgets(cluster))
        if not budgets and cluster.wait_began_at is None:
            return True
        now = timezone.now()
        missing = budget_limits.budget_without_room(cluster, budgets, now)
        if missing is not None:
            _wait(cluster, missing, now)
            return False
        update_claimed(cluster, let_start_at=now, waits_for_budget=None)
        if cluster.wait_began_at is not None:
            JobStatus.objects.filter(job=cluster.job, status=JobState.QUEUED).update(reason="")
            text = _("There is room in the budget: the nodes are ordered.")
            job_log.append(cluster.job, LogSource.PORTAL, text, stage=JobState.QUEUED)
    return True


def _wait(cluster: Cluster, budget: Budget, now: datetime) -> None:
    """Note for which budget the job waits, in its status and Job Log; nothing if that is known."""
    if cluster.waits_for_budget_id == budget.pk:
        return
    update_claimed(
        cluster,
        waits_for_budget=budget,
        wait_began_at=cluster.wait_began_at or now,
        deadline_at=None,
        deadline_reason="",
        warned_minutes=0,
    )
    reason = budget_limits.wait_sentence(budget, now)
    if not history.record_job_status(cluster.job, JobState.QUEUED, reason):
        JobStatus.objects.filter(job=cluster.job, status=JobState.QUEUED).update(reason=reason)
    text = _("%(reason)s The job starts by itself as soon as there is room.") % {"reason": reason}
    job_log.append(cluster.job, LogSource.PORTAL, text, stage=JobState.QUEUED)
