"""Which gateway process a session's websocket leads to: decided when the session is opened, and part of its URL.

`settings.HEADNODE_GATEWAYS` names the gateways. None: the process that serves the pages holds the shells, too.
A gateway says in the cache that it lives; that is a hint for new sessions only, so losing it costs nothing.
"""

import logging

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count

from sshgateway.models import TerminalSession

log = logging.getLogger(__name__)

LIVES_SECONDS = 15
SAY_SO_SECONDS = 5.0


def choose() -> str:
    """The gateway with the fewest open sessions of those that live; empty where there are none by name."""
    names: list[str] = list(settings.HEADNODE_GATEWAYS)
    if len(names) < 2:
        return names[0] if names else ""
    living = _living(names) or names  # all may be starting just now
    counted = (
        TerminalSession.objects.filter(ended_at__isnull=True, route__in=living)
        .values_list("route")
        .annotate(sessions=Count("pk"))
        .order_by()
    )
    sessions = dict(counted)
    return min(living, key=lambda name: sessions.get(name, 0))


def say_alive(name: str) -> None:
    """This gateway lives."""
    cache.set(_key(name), True, LIVES_SECONDS)


def _living(names: list[str]) -> list[str]:
    try:
        found = cache.get_many([_key(name) for name in names])
    except Exception:  # noqa: BLE001 (only a hint; whatever the cache's driver raises)
        log.warning("The cache does not say which gateways live; any may get the next session.")
        return []
    return [name for name in names if _key(name) in found]


def _key(name: str) -> str:
    return f"gateway-alive:{name}"
