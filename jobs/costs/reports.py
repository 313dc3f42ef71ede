"""Add charges up: by job, day, core type, project or person, over a time of whole days (UTC)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from django.db.models import Max, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import Project, User
from jobs.costs.price_history import prices_of
from jobs.costs.spans import SECONDS_PER_HOUR, amount, spans
from jobs.models import Charge, CoreType, Price


class GroupBy(StrEnum):
    """What the rows of a report are. The values are those of the API."""

    JOB = "job"
    DAY = "day"
    CORE_TYPE = "coreType"
    PROJECT = "project"
    PERSON = "person"


_FIELD = {
    GroupBy.JOB: "job_id",
    GroupBy.DAY: "day",
    GroupBy.CORE_TYPE: "core_type",
    GroupBy.PROJECT: "project_id",
    GroupBy.PERSON: "payer",
}


@dataclass
class UsageRow:
    """What was used under one key. `name` is for people; `idle_cost` is the part in which no command ran."""

    key: str
    name: str = ""
    node_seconds: int = 0
    core_seconds: int = 0
    cost: Decimal = field(default_factory=Decimal)
    idle_cost: Decimal = field(default_factory=Decimal)

    @property
    def node_hours(self) -> Decimal:
        """Hours of nodes."""
        return Decimal(self.node_seconds) / SECONDS_PER_HOUR

    @property
    def core_hours(self) -> Decimal:
        """Hours of cores."""
        return Decimal(self.core_seconds) / SECONDS_PER_HOUR


@dataclass(frozen=True)
class Report:
    """Rows in the order of their keys for days, else the dearest first; and the sum of all."""

    currency: str
    first_day: date
    last_day: date
    group_by: GroupBy
    rows: list[UsageRow]
    total: UsageRow


class _Part(NamedTuple):
    """Some seconds of nodes that are alike."""

    key: str
    seconds: int
    idle_seconds: int
    cores: int
    price: Decimal


def usage_report(
    group_by: GroupBy, first_day: date, last_day: date, currency: str, person: User | None = None
) -> Report:
    """Return what a person has used from the first to the last day, both included; without a person, what all have.

    What still runs counts until now. Charges in another currency are left out.
    """
    # A person who was renamed is one person; one whose account is gone keeps the name that was charged.
    payer = Coalesce("person__username", "person_name")
    charges = Charge.objects.filter(day__lte=last_day).annotate(payer=payer)
    if person is not None:
        charges = charges.filter(person=person)
    parts = [
        *_closed(charges.filter(day__gte=first_day), group_by, currency),
        *_open(charges, group_by, currency, first_day, last_day),
    ]
    rows: dict[str, UsageRow] = {}
    total = UsageRow("")
    for part in parts:
        for row in (rows.setdefault(part.key, UsageRow(part.key)), total):
            _add(row, part)
    _name(rows, group_by, charges.filter(Q(day__gte=first_day) | Q(is_open=True)))
    return Report(currency, first_day, last_day, group_by, _in_order(rows.values(), group_by), total)


def currencies() -> list[str]:
    """Return every currency in which something may have been charged: those that prices have or had."""
    had = Price.objects.order_by().values_list("currency", flat=True)
    return sorted(
        {*had.distinct(), *CoreType.objects.order_by().values_list("currency", flat=True).distinct()}
    )


def _closed(charges: QuerySet[Charge], group_by: GroupBy, currency: str) -> Iterable[_Part]:
    rows = (
        charges.filter(is_open=False, currency=currency)
        .order_by()
        .values_list(_FIELD[group_by], "cores", "price_per_core_hour")
        .annotate(total=Sum("seconds"), idle=Sum("seconds", filter=Q(is_idle=True), default=0))
    )
    for key, cores, price, seconds, idle in rows:
        yield _Part(str(key), seconds, idle, cores, price)


def _open(
    charges: QuerySet[Charge], group_by: GroupBy, currency: str, first_day: date, last_day: date
) -> Iterable[_Part]:
    rows = list(charges.filter(is_open=True))
    prices, now = prices_of({row.core_type for row in rows}), timezone.now()
    for row in rows:
        for span in spans(row.began_at, max(now, row.ended_at), prices[row.core_type]):
            day = span.began_at.date()
            if first_day <= day <= last_day and span.price.currency == currency:
                key = str(day) if group_by == GroupBy.DAY else str(getattr(row, _FIELD[group_by]))
                idle = span.seconds if row.is_idle else 0
                yield _Part(key, span.seconds, idle, row.cores, span.price.per_core_hour)


def _add(row: UsageRow, part: _Part) -> None:
    row.node_seconds += part.seconds
    row.core_seconds += part.seconds * part.cores
    row.cost += amount(part.seconds, part.cores, part.price)
    row.idle_cost += amount(part.idle_seconds, part.cores, part.price)


def _name(rows: dict[str, UsageRow], group_by: GroupBy, charges: QuerySet[Charge]) -> None:
    """Give rows the names that people know, where these are not the keys. One query, whatever the number of rows."""
    if group_by == GroupBy.JOB:
        names = charges.order_by().values_list("job_id", "job_name").annotate(last=Max("id")).order_by("last")
        found = defaultdict(str, ((job_id, name) for job_id, name, _ in names))
    elif group_by == GroupBy.CORE_TYPE:
        found = defaultdict(str, CoreType.objects.values_list("pk", "name"))
    elif group_by == GroupBy.PROJECT:
        found = defaultdict(str, Project.objects.values_list("pk", "name"))
    else:
        return
    for key, row in rows.items():
        row.name = found[key]


def _in_order(rows: Iterable[UsageRow], group_by: GroupBy) -> list[UsageRow]:
    if group_by == GroupBy.DAY:
        return sorted(rows, key=lambda row: row.key)
    return sorted(rows, key=lambda row: (-row.cost, row.key))
