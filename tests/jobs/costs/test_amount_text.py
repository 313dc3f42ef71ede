"""Amounts of money as people read them: two decimal places, and never `0.00` of what is something."""

from decimal import Decimal

import pytest
from django.template import Context, Template

from jobs.costs.amount_text import exact_text, money_html, money_text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "USD 0.00"),
        ("0.0000001", "under USD 0.01"),
        ("0.000833", "under USD 0.01"),
        ("0.009999", "under USD 0.01"),
        ("0.01", "USD 0.01"),
        ("0.014999", "USD 0.01"),
        ("0.266667", "USD 0.27"),
        ("12.3", "USD 12.30"),
        ("123456.789", "USD 123456.79"),
    ],
)
def test_an_amount_has_two_decimal_places(amount: str, text: str) -> None:
    assert money_text(Decimal(amount), "USD") == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0", "EUR 0.00"), ("0.000833", "EUR 0.000833"), ("12.3", "EUR 12.30"), ("120", "EUR 120.00")],
)
def test_the_exact_amount_has_every_digit(amount: str, text: str) -> None:
    assert exact_text(Decimal(amount), "EUR") == text


def test_what_was_rounded_says_the_exact_amount_in_its_title() -> None:
    assert money_html(Decimal("0.000833"), "USD") == '<span title="USD 0.000833">under USD 0.01</span>'
    assert money_html(Decimal("0.4"), "USD") == "USD 0.40"


def test_templates_write_amounts_the_same_way() -> None:
    shown = Template("{% load amounts %}{{ rate|money:currency }}")
    assert shown.render(Context({"rate": Decimal("0.004"), "currency": "USD"})) == money_html(
        Decimal("0.004"), "USD"
    )
