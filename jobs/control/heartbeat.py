"""When a worker was last at work: the sweep says it every second through the cache."""

import time

from django.core.cache import cache

KEY = "worker-seen-at"
LATELY_SECONDS = 15.0


def beat() -> None:
    """Say that a worker is at work."""
    cache.set(KEY, time.time(), timeout=60)


def worker_seen_lately() -> bool:
    """Whether a worker was at work in the last seconds."""
    seen = cache.get(KEY)
    return isinstance(seen, float) and time.time() - seen < LATELY_SECONDS
