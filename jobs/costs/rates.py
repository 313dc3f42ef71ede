"""Compute prices per hour from the price of a core-hour. Pure.

The price of a core type is a column of the catalogue, `CoreType.price_per_core_hour`, in the core type's currency.
"""

from collections.abc import Iterable
from decimal import Decimal

HIGHEST = Decimal("9999.9999")
SMALLEST_PART = Decimal("0.0001")
PRICE_RULE = f"from 0 to {HIGHEST}, with at most four decimal places"


def is_price(price: Decimal) -> bool:
    """Return whether this can be the price of a core-hour."""
    return price.is_finite() and 0 <= price <= HIGHEST and not price % SMALLEST_PART


def node_price_per_hour(price_per_core_hour: Decimal, cores: int) -> Decimal:
    """Return the price of one running node for an hour."""
    return price_per_core_hour * cores


def price_per_hour(nodes: Iterable[tuple[Decimal, int]]) -> Decimal:
    """Return the price of running nodes for an hour, given each node's price per core-hour and its cores."""
    return sum((node_price_per_hour(price, cores) for price, cores in nodes), Decimal())
