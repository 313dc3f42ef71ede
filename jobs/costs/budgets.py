"""Decide how long a budget lasts: what is left, how fast several clusters use it, and when it is used up. Pure.

A budget is a series of windows, each with an amount of its own: one without an end, or one for each month. What burns
it are clusters with a price per hour, each until it ends of itself. Everything is exact: amounts are decimal, moments
are rounded down to a microsecond.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

STEPS = (50, 80, 100)
# A cluster is told to end this long before its budget is used up: its command has to end, its files to be stored.
ENDING_RESERVE = timedelta(seconds=45)
# What still burns after a deadline, until the nodes are gone.
ENDING_TIME = timedelta(seconds=60)
# A new cluster starts only if the budget lasts at least this long with it.
START_NEEDS = timedelta(seconds=60)
# A moment that is computed anew moves a little with every reading of the clock: by less than this, nothing changed.
SETTLED_WITHIN = timedelta(seconds=3)
# A cluster lives no longer than a year: more months are not looked at.
MOST_WINDOWS = 14
_TICK = timedelta(microseconds=1)
_TICKS_PER_HOUR = timedelta(hours=1) // _TICK
_PERCENT = 100


class BudgetScope(StrEnum):
    """Whose clusters use a budget. The values are stored and sent by the API."""

    PERSON = "person"
    PROJECT = "project"
    SITE = "site"


class BudgetPeriod(StrEnum):
    """How often there is a new amount. The values are stored and sent by the API."""

    ONCE = "once"
    MONTH = "month"


@dataclass(frozen=True)
class Burner:
    """A cluster that uses a budget: its price per hour, and until when at most it would burn."""

    per_hour: Decimal
    until: datetime


@dataclass(frozen=True)
class Window:
    """A time with an amount of its own; `left` of it is not spent. Without `ended_at` it never ends."""

    began_at: datetime
    ended_at: datetime | None
    left: Decimal


def step_of(spent: Decimal, amount: Decimal) -> int:
    """Return the highest of the steps that is reached, in percent; 0 for none."""
    return max((step for step in STEPS if spent * _PERCENT >= amount * step), default=0)


def month_of(at: datetime) -> datetime:
    """Return when the month (UTC) of a moment began."""
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month(at: datetime) -> datetime:
    """Return when the month after that of a moment begins."""
    return month_of(month_of(at) + timedelta(days=32))


def windows(
    period: BudgetPeriod, since: datetime, amount: Decimal, spent: Decimal, now: datetime
) -> list[Window]:
    """Return the present window and those to come. `since`: when a budget that is given once began."""
    if period == BudgetPeriod.ONCE:
        return [Window(since, None, amount - spent)]
    began = month_of(now)
    found = [Window(began, next_month(began), amount - spent)]
    while len(found) < MOST_WINDOWS:
        began = next_month(began)
        found.append(Window(began, next_month(began), amount))
    return found


def cost_between(burners: Iterable[Burner], began_at: datetime, ended_at: datetime) -> Decimal:
    """Return what these clusters cost from a moment until another."""
    return sum((_cost(one.per_hour, min(one.until, ended_at) - began_at) for one in burners), Decimal())


def _cost(per_hour: Decimal, span: timedelta) -> Decimal:
    return per_hour * max(0, span // _TICK) / _TICKS_PER_HOUR


def used_up_at(windows: Sequence[Window], burners: Sequence[Burner], now: datetime) -> datetime | None:
    """Return when the first window's amount is used up if all clusters burn as long as they may; None if never.

    That is `now` for a window that is used up already, as long as anything burns.
    """
    for window in windows:
        began = max(now, window.began_at)
        found = _used_up_in(window, burners, began)
        if found is not None:
            return found
    return None


def _used_up_in(window: Window, burners: Sequence[Burner], began: datetime) -> datetime | None:
    burning = [burner for burner in burners if burner.until > began and burner.per_hour > 0]
    ends = {burner.until for burner in burning}
    if window.ended_at is not None:
        ends = {min(end, window.ended_at) for end in ends if began < window.ended_at}
    left = Fraction(window.left)
    for end in sorted(ends):
        rate = sum((Fraction(burner.per_hour) for burner in burning if burner.until >= end), Fraction())
        lasts = left * _TICKS_PER_HOUR / rate
        if lasts < (end - began) // _TICK:
            return began + max(0, lasts // 1) * _TICK
        left -= rate * ((end - began) // _TICK) / _TICKS_PER_HOUR
        began = end
    return None


def excess(windows: Sequence[Window], burners: Sequence[Burner], now: datetime) -> tuple[Decimal, Decimal]:
    """Return by how much the clusters would exceed the first window that they exceed, and what was left of that.

    (0, what is left now) if all end before any amount is used up.
    """
    last = max((burner.until for burner in burners), default=now)
    for window in windows:
        began, ended = max(now, window.began_at), min(window.ended_at or last, last)
        cost = cost_between(burners, began, ended) if ended > began else Decimal()
        if cost > max(window.left, Decimal()):
            return cost - window.left, window.left
    return Decimal(), windows[0].left


def may_start(windows: Sequence[Window], burners: Sequence[Burner], new: Burner, now: datetime) -> bool:
    """Return whether the budget lasts long enough with a new cluster beside those that burn it."""
    if windows[0].left <= 0:
        return False
    ends_at = used_up_at(windows, [*burners, new], now)
    return ends_at is None or ends_at - now >= START_NEEDS


def settled(before: datetime | None, found: datetime | None, now: datetime) -> datetime | None:
    """Return the moment to save: the one from before, unless it is another one by more than reading clocks explains.

    What is used up stays used up at the moment when it was.
    """
    if before is None or found is None:
        return found
    is_over = before <= now and found <= now
    return before if is_over or abs(found - before) <= SETTLED_WITHIN else found
