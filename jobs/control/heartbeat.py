"""Whether a worker is running: the sweep notes the time in the cache every second."""

import time

from django.core.cache import cache

KEY = "worker-seen-at"
RECENT_SECONDS = 15.0


def beat() -> None:
    """Note that a worker is running now."""
    cache.set(KEY, time.time(), timeout=60)


def worker_seen_lately() -> bool:
    """Return whether a worker ran within the last RECENT_SECONDS."""
    seen = cache.get(KEY)
    return isinstance(seen, float) and time.time() - seen < RECENT_SECONDS
