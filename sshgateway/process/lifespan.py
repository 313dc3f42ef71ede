"""The gateway's part in an ASGI server's life: clean up at the start, end every shell in order at the stop.

Mount `lifespan` under "lifespan" in the process's ASGI application.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

from sshgateway.process import gateway
from sshgateway.process.session_store import in_database
from sshgateway.sessions import gateway_selection, session_actions

log = logging.getLogger(__name__)

Message = dict[str, Any]


async def lifespan(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Serve the lifespan protocol, and nothing else."""
    announcing: asyncio.Task[None] | None = None
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await _end_earlier_sessions()
            if settings.HEADNODE_GATEWAY_NAME:
                announcing = asyncio.create_task(_announce(settings.HEADNODE_GATEWAY_NAME))
            await send({"type": "lifespan.startup.complete"})
        else:
            if announcing is not None:
                announcing.cancel()
            await gateway.current().shut_down()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def _end_earlier_sessions() -> None:
    """Save the end of sessions that earlier processes left open."""
    try:
        await in_database(session_actions.end_lost_sessions)()
        if name := settings.HEADNODE_GATEWAY_NAME:
            await in_database(session_actions.end_sessions_of_earlier_process)(name, gateway.current().name)
    except Exception:  # a slow database must not keep the portal from starting; a periodic task does the same
        log.warning("Sessions left open by an earlier gateway could not be ended yet.", exc_info=True)


async def _announce(name: str) -> None:
    """Announce periodically that this gateway accepts sessions."""
    while True:
        with contextlib.suppress(Exception):  # the cache may be away; the announcement is only a hint
            await asyncio.to_thread(gateway_selection.announce_alive, name)
        await asyncio.sleep(gateway_selection.ANNOUNCE_SECONDS)
