"""How long to wait after failures in a row. Pure."""

from datetime import timedelta

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 60.0


def delay(failures: int) -> timedelta:
    """Return 1, 2, 4, 8 ... 60 seconds for 1, 2, 3, 4 ... failures, and zero for none."""
    if failures <= 0:
        return timedelta()
    return timedelta(seconds=min(FIRST_SECONDS * 2 ** min(failures - 1, 10), LONGEST_SECONDS))
