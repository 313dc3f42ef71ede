"""`{{ amount|money:currency }}`: an amount of money as every page shows it."""

from decimal import Decimal

from django import template
from django.utils.safestring import SafeString

from jobs.costs.amount_text import money_html

register = template.Library()


@register.filter
def money(amount: Decimal, currency: str) -> SafeString:
    """Return the amount as pages show it."""
    return money_html(amount, currency)
