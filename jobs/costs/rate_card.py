"""The rate card: what a core of each type costs per hour. An administrator changes it, from now on, never backwards."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone

from accounts.audit.trail import Actor, record
from accounts.refusals import Refused, SeveralRefused
from accounts.users.administrators import check_administrator
from jobs.costs.money import CURRENCY_RULE, is_currency
from jobs.costs.price_history import ALWAYS, is_simulated
from jobs.costs.rates import PRICE_RULE, is_price
from jobs.costs.refusal_reasons import CostRefusal
from jobs.costs.spans import whole_second
from jobs.events.audit_actions import JobsAuditAction
from jobs.models import Charge, CoreType, Price, RateCard

ONLY_ADMINISTRATORS = "Only an administrator can change prices."


class PriceRefused(Refused):
    """A price is refused; `code` is that of its core type."""

    def __init__(self, reason: CostRefusal, message: str, code: str) -> None:
        super().__init__(reason, message, field="prices")
        self.code = code


class PricesRefused(SeveralRefused):
    """The rate card has problems."""


def change_rate_card(
    actor: Actor,
    *,
    prices: Mapping[str, Decimal] | None = None,
    currency: str | None = None,
    simulated: bool | None = None,
) -> None:
    """Set prices per core and hour by core type, the currency of all prices, and whether they are simulated.

    What is None, and core types that are not named, stay. Raises PricesRefused with every problem, or Refused
    (`not_administrator`, 403).
    """
    check_administrator(actor, ONLY_ADMINISTRATORS)
    with transaction.atomic():
        core_types = {row.pk: row for row in CoreType.objects.select_for_update().order_by("pk")}
        before = _facts(core_types)
        _check(prices or {}, currency, core_types)
        changed = [row for row in core_types.values() if _set(row, (prices or {}).get(row.pk), currency)]
        append_to_history(actor, changed)
        CoreType.objects.bulk_update(changed, ["price_per_core_hour", "currency"])
        if simulated is not None:
            RateCard.objects.update_or_create(pk=1, defaults={"is_simulated": simulated})
        after = _facts(core_types)
        if after != before:
            record(actor, JobsAuditAction.PRICES_CHANGED, "rate_card", 1, before=before, after=after)


def _check(prices: Mapping[str, Decimal], currency: str | None, core_types: Mapping[str, CoreType]) -> None:
    problems: list[Refused] = []
    for code, price in prices.items():
        if code not in core_types:
            known = ", ".join(core_types)
            text = f"There is no core type '{code[:40]}'. Known ones: {known}."
            problems.append(PriceRefused(CostRefusal.CORE_TYPE_UNKNOWN, text, code))
        elif not is_price(price):
            text = f"The price of {code} must be {PRICE_RULE}."
            problems.append(PriceRefused(CostRefusal.PRICE_INVALID, text, code))
    if currency is not None and not is_currency(currency):
        problems.append(Refused(CostRefusal.CURRENCY_INVALID, CURRENCY_RULE, field="currency"))
    if problems:
        raise PricesRefused(problems)


def _set(row: CoreType, price: Decimal | None, currency: str | None) -> bool:
    """Set what is given; return whether that changed the core type."""
    before = (row.price_per_core_hour, row.currency)
    row.price_per_core_hour = row.price_per_core_hour if price is None else price
    row.currency = currency or row.currency
    return (row.price_per_core_hour, row.currency) != before


def append_to_history(actor: Actor, changed: list[CoreType]) -> None:
    """Append the new prices to the history; of a core type without one, first the price that it always had.

    Call it before the rows are saved: the old prices are read from the database.
    """
    known = set(Price.objects.filter(core_type__in=changed).values_list("core_type_id", flat=True))
    # As they were: `changed` has the new values already.
    old = {row.pk: row for row in CoreType.objects.filter(pk__in=[row.pk for row in changed])}
    rows = [
        Price(core_type=row, per_core_hour=row.price_per_core_hour, currency=row.currency, valid_from=ALWAYS)
        for row in old.values()
        if row.pk not in known
    ]
    rows += [
        Price(
            core_type=row,
            per_core_hour=row.price_per_core_hour,
            currency=row.currency,
            valid_from=_from_now_on(row),
            set_by=actor.name,
        )
        for row in changed
    ]
    Price.objects.bulk_create(rows)


def _from_now_on(core_type: CoreType) -> datetime:
    """Return the next whole second, but never before what was set or charged last: a clock may have been put back."""
    now = whole_second(timezone.now()) + timedelta(seconds=1)
    last = Price.objects.filter(core_type=core_type).aggregate(at=Max("valid_from"))["at"]
    lately = Charge.objects.filter(Q(is_open=True) | Q(day__gte=now.date()), core_type=core_type.pk)
    charged = lately.aggregate(at=Max("ended_at"))["at"]
    return max(moment for moment in (now, last, charged) if moment is not None)


def _facts(core_types: Mapping[str, CoreType]) -> dict[str, object]:
    prices = {
        code: f"{row.currency} {row.price_per_core_hour.normalize():f}" for code, row in core_types.items()
    }
    return {"name": "Rate card", "simulated": is_simulated(), **prices}
