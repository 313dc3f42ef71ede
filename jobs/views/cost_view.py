"""What a job costs, as pages show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from jobs.costs.amount_text import money_html, under_a_cent
from jobs.costs.job_cost import Cost, Projection, cost_of, costs_of
from jobs.costs.money import rounded
from jobs.costs.price_history import is_simulated
from jobs.models import Job


@dataclass(frozen=True)
class CostView:
    """Amounts as HTML, and as numbers for the script that counts on while the page is open.

    `under_a_cent` is what that script writes for an amount that is less than a cent. `has_charges`: whether anything
    was charged yet.
    """

    accrued: str
    rate_per_hour: str
    projected: str
    projected_for: Projection
    earlier: list[str]
    amount: str
    per_hour: str
    currency: str
    under_a_cent: str
    at: datetime
    is_live: bool
    has_charges: bool
    is_simulated: bool


def cost_view_of(job: Job) -> CostView:
    """Return the cost of one job."""
    return _view(cost_of(job), is_simulated())


def cost_views_of(jobs: Sequence[Job]) -> dict[str, CostView]:
    """Return the costs of several jobs by id."""
    return cost_views(costs_of(jobs))


def cost_views(costs: Mapping[str, Cost]) -> dict[str, CostView]:
    """Return costs that were read already, as pages show them."""
    simulated = is_simulated()
    return {job_id: _view(cost, simulated) for job_id, cost in costs.items()}


def _view(cost: Cost, simulated: bool) -> CostView:
    return CostView(
        accrued=money_html(cost.accrued, cost.currency),
        rate_per_hour=money_html(cost.rate_per_hour, cost.currency),
        projected=money_html(cost.projected, cost.currency),
        projected_for=cost.projected_for,
        earlier=[money_html(amount, currency) for currency, amount in cost.earlier.items()],
        amount=_number(cost.accrued),
        per_hour=_number(cost.rate_per_hour),
        currency=cost.currency,
        under_a_cent=under_a_cent(cost.currency),
        at=timezone.now(),
        is_live=cost.is_live,
        has_charges=cost.is_live or cost.accrued > 0 or bool(cost.earlier),
        is_simulated=simulated,
    )


def _number(amount: Decimal) -> str:
    return f"{rounded(amount):f}"
