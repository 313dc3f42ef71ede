"""Cut the time a node existed into spans that each have one price and lie in one day. Pure.

Everything counts in whole seconds: a moment is rounded down, so that the end of one span is the beginning of the next.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple

SECONDS_PER_HOUR = 3600


class PriceFrom(NamedTuple):
    """A price per core and hour, and since when it holds."""

    valid_from: datetime
    per_core_hour: Decimal
    currency: str


@dataclass(frozen=True)
class Span:
    """A time in which a node existed, at one price, in one day. `is_idle`: no command ran."""

    began_at: datetime
    ended_at: datetime
    price: PriceFrom
    is_idle: bool = False

    @property
    def seconds(self) -> int:
        """How long it is."""
        return int((self.ended_at - self.began_at).total_seconds())


def whole_second(at: datetime) -> datetime:
    """Return the moment rounded down to a second, in UTC."""
    return at.astimezone(UTC).replace(microsecond=0)


def price_at(prices: Sequence[PriceFrom], at: datetime) -> PriceFrom:
    """Return the price that holds at a moment; before the first one the first. `prices` are in order, at least one."""
    valid = [price for price in prices if whole_second(price.valid_from) <= at]
    return valid[-1] if valid else prices[0]


def spans(
    since: datetime,
    until: datetime,
    prices: Sequence[PriceFrom],
    busy: tuple[datetime | None, datetime | None] = (None, None),
) -> list[Span]:
    """Return the spans from `since` to `until`, at least one; an empty one if `until` is not after `since`.

    `busy`: when the command began and ended, None for not (yet).
    """
    began, ended = whole_second(since), whole_second(until)
    ended = max(began, ended)
    cuts = sorted({began, *_cuts(began, ended, prices, busy)})
    ends = [*cuts[1:], ended]
    return [
        Span(start, end, price_at(prices, start), not _is_busy(start, busy))
        for start, end in zip(cuts, ends, strict=True)
    ]


def _cuts(
    began: datetime,
    ended: datetime,
    prices: Sequence[PriceFrom],
    busy: tuple[datetime | None, datetime | None],
) -> Iterable[datetime]:
    moments = [price.valid_from for price in prices]
    moments += [moment for moment in busy if moment is not None]
    yield from (cut for cut in map(whole_second, moments) if began < cut < ended)
    midnight = datetime.combine(began.date() + timedelta(days=1), time(), UTC)
    while midnight < ended:
        yield midnight
        midnight += timedelta(days=1)


def _is_busy(at: datetime, busy: tuple[datetime | None, datetime | None]) -> bool:
    began, ended = busy
    if began is None or at < whole_second(began):
        return False
    return ended is None or at < whole_second(ended)


def amount(seconds: int, cores: int, price_per_core_hour: Decimal) -> Decimal:
    """Return what this costs. Round it only to show it."""
    return price_per_core_hour * cores * seconds / SECONDS_PER_HOUR
