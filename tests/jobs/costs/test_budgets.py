"""How long budgets last: the arithmetic, and that clusters ended by it spend what the budget has, within a minute."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from jobs.costs.budgets import (
    ENDING_RESERVE,
    BudgetPeriod,
    Burner,
    Window,
    cost_between,
    excess,
    may_start,
    next_month,
    settled,
    step_of,
    used_up_at,
    windows,
)

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
TICK = timedelta(microseconds=1)
prices = st.integers(0, 400_000).map(lambda number: Decimal(number) / 100)
spans = st.integers(0, 100_000).map(lambda number: number * SECOND)
burners = st.lists(st.builds(lambda price, span: Burner(price, NOW + span), prices, spans), max_size=8)
amounts = st.integers(1, 10_000_000).map(lambda number: Decimal(number) / 100)


def once(left: Decimal) -> list[Window]:
    return [Window(NOW, None, left)]


def test_steps_are_reached_exactly() -> None:
    assert [
        step_of(Decimal(spent), Decimal(10)) for spent in ("4.99", "5", "7.99", "8", "9.99", "10", "99")
    ] == [
        0,
        50,
        50,
        80,
        80,
        100,
        100,
    ]


def test_two_rates_one_of_which_ends() -> None:
    """10 an hour for half an hour is 5; the other 5 last half an hour at 10 and then an hour at 5."""
    both = [Burner(Decimal(5), NOW + HOUR / 2), Burner(Decimal(5), NOW + 9 * HOUR)]
    assert used_up_at(once(Decimal(10)), both, NOW) == NOW + HOUR / 2 + HOUR
    assert used_up_at(once(Decimal(100)), both, NOW) is None
    assert used_up_at(once(Decimal(0)), both, NOW) == NOW
    assert used_up_at(once(Decimal(0)), [], NOW) is None


def test_a_new_month_has_its_own_amount() -> None:
    march = datetime(2026, 3, 31, 23, 0, tzinfo=UTC)
    found = windows(BudgetPeriod.MONTH, NOW, Decimal(10), Decimal(9), march)
    april = next_month(march)
    assert (found[0].ended_at, found[0].left, found[1].left) == (april, Decimal(1), Decimal(10))
    one = [Burner(Decimal(1), march + 48 * HOUR)]
    assert used_up_at(found, one, march) == april + 10 * HOUR
    assert excess(found, one, march) == (Decimal(37), Decimal(10))


@given(amounts, burners)
def test_used_up_is_the_moment_at_which_the_amount_is_spent(left: Decimal, found: list[Burner]) -> None:
    at = used_up_at(once(left), found, NOW)
    total = cost_between(found, NOW, NOW + 10**6 * SECOND)
    if at is None:
        assert total <= left + Decimal("1e-12")
        assert excess(once(left), found, NOW)[0] <= Decimal("1e-12")
    else:
        tick = Decimal("1e-9") + sum((one.per_hour for one in found), Decimal()) / 3_600_000_000
        assert cost_between(found, NOW, at) <= left + Decimal("1e-9")
        assert cost_between(found, NOW, at) >= left - tick
        assert abs(excess(once(left), found, NOW)[0] - (total - left)) < Decimal("1e-9")


@given(amounts, burners, burners)
def test_more_clusters_never_make_a_budget_last_longer(
    left: Decimal, some: list[Burner], more: list[Burner]
) -> None:
    alone, together = used_up_at(once(left), some, NOW), used_up_at(once(left), [*some, *more], NOW)
    assert alone is None or (together is not None and together <= alone)


@given(amounts, burners, prices)
def test_what_may_start_leaves_a_minute(left: Decimal, found: list[Burner], price: Decimal) -> None:
    new = Burner(price, NOW + HOUR)
    if may_start(once(left), found, new, NOW):
        assert cost_between([*found, new], NOW, NOW + MINUTE) <= left + Decimal("1e-9")


@given(st.integers(-10, 10), st.integers(-10, 10))
def test_a_moment_that_was_saved_moves_only_for_a_reason(before: int, found: int) -> None:
    saved = settled(NOW + before * SECOND, NOW + found * SECOND, NOW)
    assert saved in (NOW + before * SECOND, NOW + found * SECOND)
    if abs(before - found) <= 3 or (before <= 0 and found <= 0):
        assert saved == NOW + before * SECOND


@dataclass
class Simulated:
    """A cluster of the simulation: its prices from which second on, its own end, how long its ending takes."""

    starts: int
    own_end: int
    ending: int
    rates: list[tuple[int, Decimal]]
    told_at: int | None = None
    gone_at: int | None = None
    by_budget: bool = False
    running: bool = field(default=False)

    def rate(self, second: int) -> Decimal:
        return [price for since, price in self.rates if since <= second][-1]


LOOKS_EVERY = 2
some_rates = st.tuples(prices, st.lists(st.tuples(st.integers(1, 900), prices), max_size=3)).map(
    lambda drawn: sorted([(0, drawn[0]), *drawn[1]], key=lambda change: change[0])
)
clusters = st.builds(
    lambda starts, lasts, ending, rates: Simulated(starts, starts + lasts, ending, rates),
    st.integers(0, 400),
    st.integers(1, 2000),
    st.integers(0, 43),
    some_rates,
)


@given(amounts, st.lists(clusters, min_size=1, max_size=6))
def test_any_mix_of_clusters_spends_what_there_is_within_a_minute(
    amount: Decimal, found: list[Simulated]
) -> None:
    """Second by second: clusters start if there is room, end of themselves, change their prices, and are told to end
    at the deadline. What ends takes up to 43 seconds, and the deadline is looked at every two."""
    spent, used_up, dearest = Decimal(), None, Decimal()
    for second in range(2600):
        now = NOW + second * SECOND
        alive = [one for one in found if one.running]
        for one in alive:
            if one.told_at is None and second >= one.own_end:
                one.told_at = second
            if one.told_at is not None and second >= one.told_at + one.ending:
                one.running, one.gone_at = False, second
        alive = [one for one in found if one.running]
        for one in found:
            if one.starts == second:
                new = Burner(one.rate(second), NOW + one.own_end * SECOND + MINUTE)
                one.running = may_start(once(amount - spent), _burning(alive, second), new, now)
                alive = [each for each in found if each.running]
        if second % LOOKS_EVERY == 0:
            used_up = settled(used_up, used_up_at(once(amount - spent), _burning(alive, second), now), now)
            for one in alive:
                if one.told_at is None and used_up is not None and now >= used_up - ENDING_RESERVE:
                    one.told_at, one.by_budget = second, True
        rate = sum((one.rate(second) for one in alive), Decimal())
        dearest = max(dearest, rate)
        spent += rate / 3600
    ended = [one for one in found if one.by_budget]
    assert spent <= amount + dearest / 60
    rises = any(later > earlier for one in found for (_, earlier), (_, later) in pairwise(one.rates))
    if not rises:
        assert spent <= amount
    if ended:
        assert spent >= amount - dearest / 60


def _burning(alive: list[Simulated], second: int) -> list[Burner]:
    now = NOW + second * SECOND
    return [
        Burner(
            one.rate(second),
            max(now, NOW + one.own_end * SECOND) + MINUTE if one.told_at is None else now + MINUTE,
        )
        for one in alive
    ]
