"""Add up what is spent of a budget: the charges of those it is for, in its currency, since its window began."""

from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet, Sum

from jobs.costs.budget_rows import window_began
from jobs.costs.budgets import BudgetPeriod, BudgetScope, Window, windows
from jobs.costs.price_history import prices_of
from jobs.costs.spans import amount, spans, whole_second
from jobs.models import Budget, Charge


def spent_of(budget: Budget, now: datetime) -> Decimal:
    """Return what is spent of a budget until now. What still runs counts until now."""
    since = whole_second(window_began(budget, now))
    rows = _charges(budget).filter(currency=budget.currency, is_open=False, day__gte=since.date())
    # No charge is longer than a day. Those that were running when the budget began are few.
    sums = (
        rows.filter(began_at__gte=since)
        .order_by()
        .values_list("cores", "price_per_core_hour")
        .annotate(total=Sum("seconds"))
    )
    spent = sum((amount(seconds, cores, price) for cores, price, seconds in sums), Decimal())
    for row in rows.filter(began_at__lt=since, ended_at__gt=since):
        seconds = int((row.ended_at - since).total_seconds())
        spent += amount(seconds, row.cores, row.price_per_core_hour)
    return spent + _open(budget, since, now)


def windows_of(budget: Budget, spent: Decimal, now: datetime) -> list[Window]:
    """Return the budget's present window and those to come."""
    return windows(BudgetPeriod(budget.period), budget.since, budget.amount, spent, now)


def _charges(budget: Budget) -> QuerySet[Charge]:
    if budget.scope == BudgetScope.PERSON:
        return Charge.objects.filter(person=budget.person_id)
    if budget.scope == BudgetScope.PROJECT:
        return Charge.objects.filter(project_id=budget.project_id)
    return Charge.objects.all()


def _open(budget: Budget, since: datetime, now: datetime) -> Decimal:
    rows = list(_charges(budget).filter(is_open=True))
    prices, spent = prices_of({row.core_type for row in rows}), Decimal()
    for row in rows:
        until = max(now, row.ended_at)
        if until > since:
            for span in spans(max(row.began_at, since), until, prices[row.core_type]):
                if span.price.currency == budget.currency:
                    spent += amount(span.seconds, row.cores, span.price.per_core_hour)
    return spent
