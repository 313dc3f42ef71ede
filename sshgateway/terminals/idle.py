"""Idle time of a terminal: a countdown first, which any key stops, then the end."""

import asyncio
from collections.abc import Callable


class IdleClock:
    """Runs on the event loop. A `limit_seconds` of 0 switches it off. `touch` is cheap: it sets no timer."""

    def __init__(
        self,
        limit_seconds: float,
        warning_seconds: float,
        on_countdown: Callable[[float | None], None],
        on_expired: Callable[[], None],
    ) -> None:
        """`on_countdown` gets the seconds left when the countdown begins, and None when it is stopped."""
        self._loop = asyncio.get_running_loop()
        self._limit = limit_seconds
        # A countdown as long as the limit would never stop.
        self._warning = min(warning_seconds, limit_seconds / 2)
        self._on_countdown, self._on_expired = on_countdown, on_expired
        self._touched = self._loop.time()
        self._counting = False
        self._timer: asyncio.TimerHandle | None = None
        if limit_seconds > 0:
            self._timer = self._loop.call_later(self._limit - self._warning, self._check)

    @property
    def seconds_left(self) -> float | None:
        """How much of the countdown is left; None while it does not run."""
        if not self._counting:
            return None
        return max(self._touched + self._limit - self._loop.time(), 0.0)

    def touch(self) -> None:
        """Note that somebody typed."""
        self._touched = self._loop.time()
        if self._counting:
            self._counting = False
            self._on_countdown(None)
            self._wait(self._limit - self._warning)

    def stop(self) -> None:
        """Stop for good."""
        if self._timer is not None:
            self._timer.cancel()

    def _check(self) -> None:
        left = self._touched + self._limit - self._loop.time()
        if left <= 0.001:
            self._on_expired()
        elif left <= self._warning + 0.001:
            self._counting = True
            self._on_countdown(left)
            self._wait(left)
        else:
            self._wait(left - self._warning)

    def _wait(self, seconds: float) -> None:
        self.stop()
        self._timer = self._loop.call_later(seconds, self._check)
