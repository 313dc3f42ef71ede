"""What a job costs, as pages show it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from jobs.costs.job_cost import Cost, Projection, cost_of, costs_of
from jobs.costs.money import money_text, rounded
from jobs.costs.price_history import is_simulated
from jobs.models import Job


@dataclass(frozen=True)
class CostView:
    """Amounts as text, and as numbers for the script that counts on while the page is open."""

    accrued: str
    rate_per_hour: str
    projected: str
    projected_for: Projection
    earlier: list[str]
    amount: str
    per_hour: str
    currency: str
    at: datetime
    is_live: bool
    is_simulated: bool


def cost_view_of(job: Job) -> CostView:
    """Return the cost of one job."""
    return _view(cost_of(job), is_simulated())


def cost_views_of(jobs: Sequence[Job]) -> dict[str, CostView]:
    """Return the costs of several jobs by id."""
    simulated = is_simulated()
    return {job_id: _view(cost, simulated) for job_id, cost in costs_of(jobs).items()}


def _view(cost: Cost, simulated: bool) -> CostView:
    return CostView(
        accrued=money_text(cost.accrued, cost.currency),
        rate_per_hour=money_text(cost.rate_per_hour, cost.currency),
        projected=money_text(cost.projected, cost.currency),
        projected_for=cost.projected_for,
        earlier=[money_text(amount, currency) for currency, amount in cost.earlier.items()],
        amount=_number(cost.accrued),
        per_hour=_number(cost.rate_per_hour),
        currency=cost.currency,
        at=timezone.now(),
        is_live=cost.is_live,
        is_simulated=simulated,
    )


def _number(amount: Decimal) -> str:
    return f"{rounded(amount):f}"
