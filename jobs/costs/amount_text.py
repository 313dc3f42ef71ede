"""Write amounts of money for people: two decimal places, and a word for what is less than a cent."""

from decimal import Decimal

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from jobs.costs.money import CENT, rounded


def money_text(amount: Decimal, currency: str) -> str:
    """Return `USD 12.30`; of something that is less than a cent, `under USD 0.01`."""
    if 0 < amount < CENT:
        return under_a_cent(currency)
    return f"{currency} {rounded(amount, CENT):f}"


def under_a_cent(currency: str) -> str:
    """Return what stands for every amount between nothing and a cent."""
    return _("under %(currency)s 0.01") % {"currency": currency}


def exact_text(amount: Decimal, currency: str) -> str:
    """Return the amount with all its digits, at least two of them decimal places: `USD 0.000833`."""
    whole, _point, decimals = f"{rounded(amount):f}".partition(".")
    return f"{currency} {whole}.{decimals.rstrip('0').ljust(2, '0')}"


def money_html(amount: Decimal, currency: str) -> SafeString:
    """Return the amount as pages show it, with all its digits in the title of what was rounded."""
    text, exact = money_text(amount, currency), exact_text(amount, currency)
    if text == exact:
        return format_html("{}", text)
    return format_html('<span title="{}">{}</span>', exact, text)
