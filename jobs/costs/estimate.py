"""Estimate what a job will cost before it is submitted: for its whole walltime, and as runs like it did. Pure.

The analyses of a job run one after the other in one cluster, and share its walltime: the cluster is counted once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from statistics import median

HOUR = timedelta(hours=1)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class PricedSpan:
    """A span of time, and what the cluster costs in it."""

    duration: timedelta
    cost: Decimal


@dataclass(frozen=True)
class Typical(PricedSpan):
    """The median of earlier runs, at the price of now. `runs`: how many they are."""

    runs: int


def priced(duration: timedelta, price_per_hour: Decimal) -> PricedSpan:
    """Return what a cluster with this price per hour costs in a span of time. Not rounded."""
    return PricedSpan(duration, _cost(duration, price_per_hour))


def typical(durations: Sequence[timedelta], price_per_hour: Decimal) -> Typical | None:
    """Return the median of earlier runs and what it costs now; None without runs.

    A run that ended before it began, because a clock was put back, says nothing and is left out.
    """
    known = [duration for duration in durations if duration >= timedelta()]
    if not known:
        return None
    middle = _TICK * median(duration // _TICK for duration in known)
    return Typical(middle, _cost(middle, price_per_hour), len(known))


def _cost(duration: timedelta, price_per_hour: Decimal) -> Decimal:
    # Multiplied first: a third of an hour is no exact decimal number, but a third of 0.30 is.
    return price_per_hour * (duration // _TICK) / (HOUR // _TICK)
