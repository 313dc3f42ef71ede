"""When clusters have to end so that enforced budgets are kept, as the last look at the budgets found. Reads only."""

from django.db.models import QuerySet

from jobs.costs.budget_rows import applying_to
from jobs.costs.budgets import ENDING_RESERVE
from jobs.lifetime.deadline import Deadline, DeadlineReason
from jobs.models import Budget, Cluster
from jobs.states import Observed


def enforced_budgets(cluster: Cluster) -> QuerySet[Budget]:
    """Return the enforced budgets that the cluster uses."""
    return applying_to(cluster.owner_id, cluster.job.project_id).filter(enforced=True)


def budget_deadlines(cluster: Cluster) -> list[Deadline]:
    """Return the limits that the cluster's enforced budgets set."""
    if cluster.observed_state == Observed.ABSENT and cluster.let_start_at is None:
        return []
    moments = enforced_budgets(cluster).order_by("used_up_at").values_list("used_up_at", flat=True)
    return [Deadline(at - ENDING_RESERVE, DeadlineReason.BUDGET) for at in moments if at is not None]


def first_used_up(cluster: Cluster) -> Budget | None:
    """Return the budget that gives the cluster its deadline, if one does."""
    return enforced_budgets(cluster).filter(used_up_at__isnull=False).order_by("used_up_at", "pk").first()
