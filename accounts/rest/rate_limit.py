"""Count the requests of one client, in Redis, and say whether there are too many.

Each client has a bucket of requests that refills steadily. Taking from it is one atomic script in Redis, so that all
processes count together. Redis' own clock counts.
"""

import logging
import math
import time
from dataclasses import dataclass
from functools import lru_cache

import redis
from django.conf import settings

log = logging.getLogger(__name__)

# A bucket holds what its client may ask for in this time: programs start with a burst of requests.
BURST_SECONDS = 12
REDIS_SECONDS = 0.5
# After an error Redis is left alone for this long, so that requests do not wait for it again and again.
AWAY_SECONDS = 5.0
# KEYS[1]: the bucket. ARGV: how many requests it holds, how many are added in a second. The bucket is kept as the time
# at which it will be full. Returns how many are left, or -1, and in how many milliseconds one will be there.
_TAKE = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1000000
local size, rate = tonumber(ARGV[1]), tonumber(ARGV[2])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local left = size - (full_at - now) * rate
if left < 1 then
  return {-1, math.ceil((1 - left) / rate * 1000)}
end
full_at = full_at + 1 / rate
redis.call('SET', KEYS[1], string.format('%.6f', full_at), 'PX', math.ceil((full_at - now) * 1000) + 1000)
return {math.floor(left - 1), 0}
"""


@dataclass(frozen=True)
class RateState:
    """What is left of a client's requests: `limit` at once, `remaining` now. `wait_seconds` is 0 for an allowed one."""

    limit: int
    remaining: int
    wait_seconds: int = 0

    @property
    def is_allowed(self) -> bool:
        """Whether the request may pass."""
        return self.wait_seconds == 0


class _Away:
    """Until when Redis is left alone, in this process."""

    until = 0.0


def count_request(client: str, per_minute: int, at_once: int = 0) -> RateState | None:
    """Count a request of the client. Return None if there is no limit (0), or Redis is away, which is logged.

    `at_once` may come in one burst; by default what BURST_SECONDS bring.
    """
    if not per_minute or time.monotonic() < _Away.until:
        return None
    size = at_once or max(1, per_minute * BURST_SECONDS // 60)
    try:
        left, wait = _script(settings.CACHES["default"]["LOCATION"])(
            keys=[f"headnode:rate:{client}"], args=[size, per_minute / 60]
        )
    except redis.RedisError as error:
        _Away.until = time.monotonic() + AWAY_SECONDS
        log.warning("Requests are not counted for %g s: Redis is away (%s).", AWAY_SECONDS, error)
        return None
    return RateState(size, max(0, left), math.ceil(wait / 1000))


@lru_cache(maxsize=4)
def _script(url: str) -> "redis.commands.core.Script":
    """Return the script at a Redis. The cache's own client would wait for ever for a Redis that hangs."""
    client = redis.Redis.from_url(url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS)
    return client.register_script(_TAKE)
