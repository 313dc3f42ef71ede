"""Wait for an event, with a limit; never sleep for a guess."""

import os
import subprocess
import time
from collections.abc import Callable
from typing import Literal, TypeVar

# How long something that happens at once may take. Only a test that fails waits so long; one that passes under load
# is worth more than one that fails soon. `make mutants` sets less: most of its tests fail.
LIMIT = float(os.environ.get("TEST_LIMIT_SECONDS", "60"))

T = TypeVar("T")
Text = TypeVar("Text", str, bytes)


def wait_for(
    condition: Callable[[], T | Literal[False] | None], what: str, limit: float = LIMIT, every: float = 0.02
) -> T:
    """Ask `condition` until its answer is true and return that answer; fail with `what` after `limit` seconds."""
    end = time.monotonic() + limit
    while True:
        if answer := condition():
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"Not within {limit:g} s: {what}")
        time.sleep(every)


def wait_for_end(process: "subprocess.Popen[Text]", what: str, limit: float = LIMIT) -> Text:
    """Return what a process still printed to its end; fail with `what` after `limit` seconds."""
    try:
        printed, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired as expired:
        raise AssertionError(f"Not within {limit:g} s: {what}. So far: {expired.output!r}") from None
    return printed
