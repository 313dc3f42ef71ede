"""What pages show of a budget: a bar of what is spent, in words and numbers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from jobs.costs.amount_text import exact_text, money_html
from jobs.costs.budget_rows import waiting_for, window_began
from jobs.costs.budget_spending import spent_of
from jobs.costs.budgets import BudgetPeriod, next_month, step_of
from jobs.costs.money import rounded
from jobs.models import Budget

PERCENT = 100
TENTH = Decimal("0.1")


@dataclass(frozen=True)
class BudgetLine:
    """A budget as pages show it. `percent` may be over 100; `ends_at` is when its month is over."""

    budget: Budget
    spent: str
    amount: str
    left: str
    percent: Decimal
    step: int
    began_at: datetime
    ends_at: datetime | None
    waiting: int

    @property
    def bar(self) -> str:
        """The percent as a bar can show it."""
        return f"{min(self.percent, Decimal(PERCENT)):.1f}"

    @property
    def amount_as_typed(self) -> str:
        """The amount without zeros at its end, for the form."""
        return f"{self.budget.amount.normalize():f}"


def budget_lines(budgets: Iterable[Budget]) -> list[BudgetLine]:
    """Return these budgets with what is spent of them now."""
    now = timezone.now()
    return [_line(budget, now) for budget in budgets]


def _line(budget: Budget, now: datetime) -> BudgetLine:
    spent = spent_of(budget, now)
    return BudgetLine(
        budget=budget,
        spent=money_html(spent, budget.currency),
        amount=exact_text(budget.amount, budget.currency),
        left=money_html(max(budget.amount - spent, Decimal()), budget.currency),
        percent=rounded(spent * PERCENT / budget.amount, TENTH),
        step=step_of(spent, budget.amount),
        began_at=window_began(budget, now),
        ends_at=next_month(now) if budget.period == BudgetPeriod.MONTH else None,
        waiting=waiting_for(budget).count(),
    )
