"""The gateway's part in an ASGI server's life: sweep at start, end every shell in order at the stop.

Mount it under "lifespan" in the process's ASGI application.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from sshgateway import gateway, services
from sshgateway.records import in_database

log = logging.getLogger(__name__)

Message = dict[str, Any]


async def lifespan(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """An ASGI application for the lifespan protocol only."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            try:
                await in_database(services.sweep)()
            except Exception:  # a database that is late must not keep the web from starting; beat sweeps, too
                log.warning("Sessions left open by an earlier gateway could not be swept yet.", exc_info=True)
            await send({"type": "lifespan.startup.complete"})
        else:
            await gateway.current().shut_down()
            await send({"type": "lifespan.shutdown.complete"})
            return
