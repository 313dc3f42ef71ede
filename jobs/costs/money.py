"""Round amounts of money, and recognise currencies. Pure."""

import re
from decimal import ROUND_HALF_UP, Decimal

# Fine enough that a second of one core is not nothing.
PRECISION = Decimal("0.000001")
CENT = Decimal("0.01")
CURRENCY_RULE = "A currency is three capital letters, such as USD or EUR."
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


def is_currency(text: str) -> bool:
    """Return whether a text has the form of a currency."""
    return _CURRENCY.fullmatch(text) is not None


def rounded(amount: Decimal, precision: Decimal = PRECISION) -> Decimal:
    """Return the amount rounded as people round."""
    return amount.quantize(precision, ROUND_HALF_UP)
