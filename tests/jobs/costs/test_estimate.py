"""What a job will cost at its walltime, and as runs like it did: exact decimals."""

from datetime import timedelta
from decimal import Decimal

from jobs.costs.estimate import Typical, priced, typical

MINUTE = timedelta(minutes=1)


def test_the_walltime_costs_its_hours() -> None:
    assert priced(timedelta(hours=2), Decimal("0.40")).cost == Decimal("0.80")


def test_a_third_of_an_hour_costs_exactly_a_third() -> None:
    assert priced(20 * MINUTE, Decimal("0.3")).cost == Decimal("0.1")


def test_a_second_of_the_cheapest_core_is_not_nothing() -> None:
    assert priced(timedelta(seconds=1), Decimal("0.0001")).cost > 0


def test_the_median_of_the_runs_at_the_price_of_now() -> None:
    runs = [3 * MINUTE, 600 * MINUTE, 30 * MINUTE]
    assert typical(runs, Decimal("0.6")) == Typical(30 * MINUTE, Decimal("0.3"), 3)


def test_of_an_even_number_of_runs_the_middle_of_the_two() -> None:
    assert typical([10 * MINUTE, 20 * MINUTE], Decimal(0)) == Typical(15 * MINUTE, Decimal(0), 2)


def test_no_runs_tell_nothing() -> None:
    assert typical([], Decimal(1)) is None


def test_a_run_that_ended_before_it_began_is_left_out() -> None:
    assert typical([-MINUTE], Decimal(1)) is None
    assert typical([-MINUTE, MINUTE], Decimal(60)) == Typical(MINUTE, Decimal(1), 1)
