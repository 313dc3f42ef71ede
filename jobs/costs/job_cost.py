"""What jobs have cost so far, what they cost per hour now, and what they will have cost at their deadline."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Sum
from django.utils import timezone

from jobs.costs.hardware import Hardware, hardware_of_jobs
from jobs.costs.price_history import prices_of
from jobs.costs.rates import node_price_per_hour
from jobs.costs.spans import PriceFrom, amount, price_at, spans
from jobs.models import Charge, Cluster, Job
from jobs.states import Observed

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Cost:
    """The cost of a job, in `currency`.

    `projected`: what it will have cost at its deadline; of a job whose command does not run yet, at its walltime; of
    one that has ended, what it cost. `deadline` is None without one. `is_live`: it costs more every second.
    """

    currency: str
    accrued: Decimal
    rate_per_hour: Decimal
    projected: Decimal
    deadline: datetime | None

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


def _closed_amounts(job_ids: Sequence[str]) -> Mapping[str, Mapping[str, Decimal]]:
    """Return what is charged for good, by job and currency."""
    rows = (
        Charge.objects.filter(job_id__in=job_ids, is_open=False)
        .order_by()
        .values_list("job_id", "currency", "cores", "price_per_core_hour")
        .annotate(total=Sum("seconds"))
    )
    found: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for job_id, currency, cores, price, seconds in rows:
        found[job_id][currency] += amount(seconds, cores, price)
    return found


def open_amount(row: Charge, prices: Sequence[PriceFrom], now: datetime, currency: str) -> Decimal:
    """Return what an open row and what followed it has cost until now, of that what is in this currency."""
    parts = spans(row.began_at, max(row.ended_at, now), prices)
    return sum(
        (
            amount(part.seconds, row.cores, part.price.per_core_hour)
            for part in parts
            if part.price.currency == currency
        ),
        Decimal(),
    )


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
    closed: Mapping[str, Decimal],
    running: Sequence[Charge],
    prices: Mapping[str, Sequence[PriceFrom]],
    now: datetime,
) -> Cost:
    currency = hardware.currency
    accrued = closed.get(currency, Decimal()) + sum(
        (open_amount(row, prices[row.core_type], now, currency) for row in running), Decimal()
    )
    rate = open_rate(running, prices, now)
    projected = accrued + _still_to_come(job, cluster, hardware, rate, now)
    return Cost(currency, accrued, rate, projected, cluster.deadline_at if cluster is not None else None)


def _still_to_come(
    job: Job, cluster: Cluster | None, hardware: Hardware, rate: Decimal, now: datetime
) -> Decimal:
    """Return what is added until the deadline. Before the command runs, walltime counts."""
    if cluster is None or cluster.observed_state in (Observed.ABSENT, Observed.BOOTING, Observed.READY):
        is_over = cluster is not None and bool(cluster.failure)
        return Decimal() if is_over or job.completed_at else hours(job.walltime) * hardware.price_per_hour
    if cluster.deadline_at is None or cluster.deadline_at <= now:
        return Decimal()
    return hours(cluster.deadline_at - now) * rate


def hours(span: timedelta) -> Decimal:
    """Return a span in hours, exactly."""
    return Decimal(span // timedelta(microseconds=1)) / Decimal(HOUR // timedelta(microseconds=1))
