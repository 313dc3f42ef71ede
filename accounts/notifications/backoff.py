"""When a delivery that failed is tried again. Pure."""

from datetime import timedelta

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
# About three days in all, as the Standard Webhooks scheme proposes.
WEBHOOK_DELAYS = (
    timedelta(seconds=5),
    5 * _MINUTE,
    30 * _MINUTE,
    *(hours * _HOUR for hours in (2, 5, 10, 14, 18, 22)),
)
MAIL_DELAYS = (
    _MINUTE,
    2 * _MINUTE,
    5 * _MINUTE,
    15 * _MINUTE,
    30 * _MINUTE,
    *([_HOUR] * 6),
    *([4 * _HOUR] * 16),
)
# So that what failed together is not tried together for ever.
SPREAD = 0.1


def delay_after(attempts: int, delays: tuple[timedelta, ...], chance: float) -> timedelta | None:
    """Return how long to wait after this many tries that failed; None to give up. `chance` is random, 0 to 1."""
    if attempts > len(delays):
        return None
    return delays[max(0, attempts - 1)] * (1 + SPREAD * (2 * chance - 1))
