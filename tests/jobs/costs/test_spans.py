"""The time a node existed is cut into spans that leave no second out and count none twice."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from jobs.costs.spans import PriceFrom, amount, price_at, spans

START = datetime(2026, 3, 31, 23, 0, tzinfo=UTC)
MOMENTS = st.integers(-200_000, 400_000).map(lambda number: START + timedelta(seconds=number / 2))
PRICES = st.lists(
    st.builds(PriceFrom, MOMENTS, st.integers(0, 99_999).map(lambda n: Decimal(n) / 10_000), st.just("USD")),
    min_size=1,
    max_size=5,
).map(sorted)


@given(since=MOMENTS, until=MOMENTS, prices=PRICES, began=st.none() | MOMENTS, ended=st.none() | MOMENTS)
def test_spans_follow_each_other_within_days_each_with_the_price_of_its_beginning(
    since: datetime,
    until: datetime,
    prices: list[PriceFrom],
    began: datetime | None,
    ended: datetime | None,
) -> None:
    found = spans(since, until, prices, (began, ended))
    assert all(first.ended_at == second.began_at for first, second in pairwise(found))
    assert found[0].began_at == since.replace(microsecond=0)
    assert found[-1].ended_at == max(found[0].began_at, until.replace(microsecond=0))
    for span in found:
        assert span.seconds >= 0
        assert span.price == price_at(prices, span.began_at)
        last = span.ended_at - timedelta(seconds=1) if span.seconds else span.began_at
        assert last.date() == span.began_at.date()
        assert price_at(prices, last) == span.price


def test_a_price_holds_from_its_moment_until_the_next() -> None:
    cheap, dear = (
        PriceFrom(START, Decimal("0.1"), "USD"),
        PriceFrom(START + timedelta(hours=2), Decimal("1"), "USD"),
    )
    found = spans(START - timedelta(hours=1), START + timedelta(hours=3), [cheap, dear])
    assert [(span.seconds, span.price.per_core_hour) for span in found] == [
        (3600, Decimal("0.1")),  # before the first price the first holds
        (3600, Decimal("0.1")),
        (3600, Decimal("0.1")),  # after midnight
        (3600, Decimal("1")),
    ]


def test_booting_and_storing_files_are_idle() -> None:
    price = [PriceFrom(START, Decimal("1"), "USD")]
    busy = (START + timedelta(seconds=10), START + timedelta(seconds=30))
    found = spans(START, START + timedelta(seconds=35), price, busy)
    assert [(span.seconds, span.is_idle) for span in found] == [(10, True), (20, False), (5, True)]


def test_an_amount_is_exact_money() -> None:
    assert amount(3600, 8, Decimal("0.05")) == Decimal("0.4")
    assert amount(1, 1, Decimal("0.0036")) == Decimal("0.000001")
