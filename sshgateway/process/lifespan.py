"""The gateway's part in an ASGI server's life: sweep at start, end every shell in order at the stop.

Mount it under "lifespan" in the process's ASGI application.
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
    """An ASGI application for the lifespan protocol only."""
    living: asyncio.Task[None] | None = None
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            try:
                await in_database(session_actions.sweep)()
                if name := settings.HEADNODE_GATEWAY_NAME:
                    await in_database(session_actions.take_over)(name, gateway.current().name)
            except Exception:  # a database that is late must not keep the web from starting; beat sweeps, too
                log.warning("Sessions left open by an earlier gateway could not be swept yet.", exc_info=True)
            if settings.HEADNODE_GATEWAY_NAME:
                living = asyncio.create_task(_live(settings.HEADNODE_GATEWAY_NAME))
            await send({"type": "lifespan.startup.complete"})
        else:
            if living is not None:
                living.cancel()
            await gateway.current().shut_down()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def _live(name: str) -> None:
    """Say again and again that this gateway takes sessions."""
    while True:
        with contextlib.suppress(Exception):  # the cache may be away; it is only a hint
            await asyncio.to_thread(gateway_selection.say_alive, name)
        await asyncio.sleep(gateway_selection.SAY_SO_SECONDS)
