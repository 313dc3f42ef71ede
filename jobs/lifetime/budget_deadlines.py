"""When clusters have to end so that enforced budgets are kept, as the last look at the budgets found. Reads only."""

from django.db.models import QuerySet
from django.utils import timezone

from jobs.context.cluster_plan import plan_of
from jobs.costs.budget_rows import applying_to
from jobs.costs.budgets import ENDING_RESERVE
from jobs.costs.price_history import prices_of
from jobs.costs.spans import price_at
from jobs.lifetime.deadline import Deadline, DeadlineReason
from jobs.models import Budget, Cluster
from jobs.states import NODE_DOWN, Observed


def enforced_budgets(cluster: Cluster) -> QuerySet[Budget]:
    """Return the enforced budgets that the cluster uses."""
    return applying_to(cluster.owner_id, cluster.job.project_id).filter(enforced=True)


def budget_deadlines(cluster: Cluster) -> list[Deadline]:
    """Return the limits that the cluster's enforced budgets set."""
    if cluster.observed_state == Observed.ABSENT and cluster.let_start_at is None:
        return []
    found = _used_up(cluster).values_list("used_up_at", "currency")
    paid = _currencies_of(cluster) if found else set()
    return [
        Deadline(at - ENDING_RESERVE, DeadlineReason.BUDGET)
        for at, currency in found
        if at is not None and currency in paid
    ]


def first_used_up(cluster: Cluster) -> Budget | None:
    """Return the budget that gives the cluster its deadline, if one does."""
    return _used_up(cluster).filter(currency__in=_currencies_of(cluster)).first()


def _used_up(cluster: Cluster) -> QuerySet[Budget]:
    return enforced_budgets(cluster).filter(used_up_at__isnull=False).order_by("used_up_at", "pk")


def _currencies_of(cluster: Cluster) -> set[str]:
    """Return the currencies in which it costs something now: a budget does not end what does not use it."""
    core_types = set(cluster.nodes.exclude(state__in=NODE_DOWN).values_list("core_type", flat=True))
    if not core_types:
        core_types = {member.core_type for member in plan_of(cluster).members}
    now = timezone.now()
    prices = [price_at(history, now) for history in prices_of(core_types).values()]
    return {price.currency for price in prices if price.per_core_hour > 0}
