"""What jobs have cost so far, what they cost per hour now, and what they will have cost."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from django.db.models import Max, Sum
from django.utils import timezone

from jobs.costs.hardware import Hardware, hardware_of_jobs
from jobs.costs.price_history import prices_of
from jobs.costs.rates import node_price_per_hour
from jobs.costs.spans import PriceFrom, amount, price_at, spans
from jobs.models import Charge, Cluster, Job
from jobs.states import ENDING, Desired, Observed

HOUR = timedelta(hours=1)


class Projection(StrEnum):
    """What a projected cost is that of. The values are those of the API."""

    WALLTIME = "walltime"
    DEADLINE = "deadline"
    END = "end"


@dataclass(frozen=True)
class Cost:
    """The cost of a job, in `currency`.

    `projected`: what it will have cost at its deadline; of a job whose command does not run yet, at its walltime; of
    one that ends or has ended, what it cost. `projected_for` says which. `deadline` is None without one. `earlier`:
    what was charged in other currencies before the rate card's changed. `is_live`: it costs more every second.
    """

    currency: str
    accrued: Decimal
    rate_per_hour: Decimal
    projected: Decimal
    projected_for: Projection
    deadline: datetime | None
    earlier: Mapping[str, Decimal]

    @property
    def is_live(self) -> bool:
        """Whether something of it runs and costs."""
        return self.rate_per_hour > 0


def cost_of(job: Job) -> Cost:
    """Return the cost of one job now."""
    return costs_of([job])[job.pk]


def costs_of(jobs: Sequence[Job]) -> dict[str, Cost]:
    """Return the costs of several jobs by id, now. The same few queries for any number of jobs."""
    now, ids = timezone.now(), [job.pk for job in jobs]
    clusters = {cluster.job_id: cluster for cluster in Cluster.objects.filter(job__in=ids).defer("plan")}
    hardware = hardware_of_jobs(jobs)
    accrued = _closed_amounts(ids)
    running: dict[str, list[Charge]] = defaultdict(list)
    for row in Charge.objects.filter(job_id__in=ids, is_open=True):
        running[row.job_id].append(row)
    prices = prices_of({row.core_type for rows in running.values() for row in rows})
    return {
        job.pk: _cost(
            job, clusters.get(job.pk), hardware[job.pk], accrued[job.pk], running[job.pk], prices, now
        )
        for job in jobs
    }


@dataclass
class _Closed:
    """What is charged for good, by currency, and the currency of the last of it."""

    amounts: dict[str, Decimal] = field(default_factory=dict)
    until: datetime | None = None
    currency: str = ""


def _closed_amounts(job_ids: Sequence[str]) -> Mapping[str, _Closed]:
    """Return what is charged for good, by job."""
    rows = (
        Charge.objects.filter(job_id__in=job_ids, is_open=False)
        .order_by()
        .values_list("job_id", "currency", "cores", "price_per_core_hour")
        .annotate(total=Sum("seconds"), until=Max("ended_at"))
    )
    found: dict[str, _Closed] = defaultdict(_Closed)
    for job_id, currency, cores, price, seconds, until in rows:
        closed = found[job_id]
        closed.amounts[currency] = closed.amounts.get(currency, Decimal()) + amount(seconds, cores, price)
        if closed.until is None or until > closed.until:
            closed.until, closed.currency = until, currency
    return found


def _add_open(amounts: dict[str, Decimal], row: Charge, prices: Sequence[PriceFrom], now: datetime) -> None:
    """Add what an open row and what followed it has cost until now, by currency."""
    for part in spans(row.began_at, max(row.ended_at, now), prices):
        cost = amount(part.seconds, row.cores, part.price.per_core_hour)
        amounts[part.price.currency] = amounts.get(part.price.currency, Decimal()) + cost


def open_rate(rows: Iterable[Charge], prices: Mapping[str, Sequence[PriceFrom]], now: datetime) -> Decimal:
    """Return what these open rows cost per hour now."""
    return sum(
        (node_price_per_hour(price_at(prices[row.core_type], now).per_core_hour, row.cores) for row in rows),
        Decimal(),
    )


def _cost(
    job: Job,
    cluster: Cluster | None,
    hardware: Hardware,
    closed: _Closed,
    running: Sequence[Charge],
    prices: Mapping[str, Sequence[PriceFrom]],
    now: datetime,
) -> Cost:
    amounts = dict(closed.amounts)
    for row in running:
        _add_open(amounts, row, prices[row.core_type], now)
    # What has ended keeps the currency in which it was charged, whatever the rate card has now.
    currency = hardware.currency if running else closed.currency or hardware.currency
    accrued = amounts.pop(currency, Decimal())
    rate = open_rate(running, prices, now)
    projected_for = _projection(job, cluster)
    return Cost(
        currency=currency,
        accrued=accrued,
        rate_per_hour=rate,
        projected=accrued + _still_to_come(projected_for, job, cluster, hardware, rate, now),
        projected_for=projected_for,
        deadline=cluster.deadline_at if cluster and cluster.observed_state not in ENDING else None,
        earlier={name: cost for name, cost in sorted(amounts.items()) if cost},
    )


def _projection(job: Job, cluster: Cluster | None) -> Projection:
    if cluster is None:
        return Projection.END if job.completed_at else Projection.WALLTIME
    if cluster.failure or cluster.desired_state == Desired.STOPPED or cluster.observed_state in ENDING:
        return Projection.END
    if cluster.observed_state in (Observed.ABSENT, Observed.BOOTING, Observed.READY):
        return Projection.END if job.completed_at else Projection.WALLTIME
    return Projection.DEADLINE if cluster.deadline_at is not None else Projection.END


def _still_to_come(
    projected_for: Projection,
    job: Job,
    cluster: Cluster | None,
    hardware: Hardware,
    rate: Decimal,
    now: datetime,
) -> Decimal:
    if projected_for == Projection.WALLTIME:
        return hours(job.walltime) * hardware.price_per_hour
    if projected_for == Projection.END or cluster is None or cluster.deadline_at is None:
        return Decimal()
    return hours(max(cluster.deadline_at - now, timedelta())) * rate


def hours(span: timedelta) -> Decimal:
    """Return a span in hours, exactly."""
    return Decimal(span // timedelta(microseconds=1)) / Decimal(HOUR // timedelta(microseconds=1))
