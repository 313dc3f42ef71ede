"""Which gateway process holds a session's shell: chosen here when the session opens, and part of its websocket's URL.

The choice is stored as `TerminalSession.route`; the process that then claims the session writes its own name to
`TerminalSession.gateway` (`process.session_store.claim`).

`settings.HEADNODE_GATEWAYS` names the gateways; without names the process that serves the pages holds the shells too.
Each gateway announces in the cache that it is alive. Only the choice for new sessions depends on that, so losing the
cache ends no session.
"""

import logging

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count

from sshgateway.models import TerminalSession

log = logging.getLogger(__name__)

ALIVE_SECONDS = 15
ANNOUNCE_SECONDS = 5.0


def choose_gateway() -> str:
    """Return the live gateway with the fewest open sessions; empty if no gateways are named."""
    names: list[str] = list(settings.HEADNODE_GATEWAYS)
    if len(names) < 2:
        return names[0] if names else ""
    live = _live(names) or names  # all of them may be starting
    counted = (
        TerminalSession.objects.filter(ended_at__isnull=True, route__in=live)
        .values_list("route")
        .annotate(sessions=Count("pk"))
        .order_by()
    )
    sessions = dict(counted)
    return min(live, key=lambda name: sessions.get(name, 0))


def announce_alive(name: str) -> None:
    """Say that this gateway is alive, for the next `ALIVE_SECONDS`."""
    cache.set(_key(name), True, ALIVE_SECONDS)


def _live(names: list[str]) -> list[str]:
    try:
        found = cache.get_many([_key(name) for name in names])
    except Exception:  # noqa: BLE001 (the cache is optional here; whatever the cache's driver raises)
        log.warning("The cache does not say which gateways are alive; any may get the next session.")
        return []
    return [name for name in names if _key(name) in found]


def _key(name: str) -> str:
    return f"gateway-alive:{name}"
