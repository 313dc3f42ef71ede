"""Wait for an event, with a limit; never sleep for a guess."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(condition: Callable[[], T], what: str, limit: float = 20.0, every: float = 0.02) -> T:
    """Ask `condition` until its answer is true and return that answer; fail with `what` after `limit` seconds."""
    end = time.monotonic() + limit
    while True:
        if answer := condition():
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"Not within {limit:g} s: {what}")
        time.sleep(every)
