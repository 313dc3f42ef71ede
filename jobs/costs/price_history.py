"""Read the prices of core types with their history."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from jobs.costs.spans import PriceFrom
from jobs.models import CoreType, Price, RateCard

# Since when the catalogue's price holds that was never set on the rate card.
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)


def prices_of(codes: Collection[str]) -> Mapping[str, Sequence[PriceFrom]]:
    """Return the prices of these core types, oldest first, at least one for each that exists. Two queries."""
    history: dict[str, list[PriceFrom]] = {code: [] for code in codes}
    rows = Price.objects.filter(core_type__in=codes).order_by("valid_from", "id")
    for code, at, price, currency in rows.values_list("core_type", "valid_from", "per_core_hour", "currency"):
        history[code].append(PriceFrom(at, price, currency))
    if missing := [code for code, prices in history.items() if not prices]:
        catalogue = CoreType.objects.filter(pk__in=missing)
        for code, price, currency in catalogue.values_list("pk", "price_per_core_hour", "currency"):
            history[code].append(PriceFrom(ALWAYS, price, currency))
    return {code: prices for code, prices in history.items() if prices}


def is_simulated() -> bool:
    """Return whether the prices are made up."""
    row = RateCard.objects.first()
    return row is None or row.is_simulated


def portal_currency() -> str:
    """Return the currency of the rate card: that of the catalogue's first core type."""
    return CoreType.objects.values_list("currency", flat=True).first() or "USD"
