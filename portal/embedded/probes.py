"""Wait until processes are ready, over HTTP and unix sockets."""

import asyncio
import http.client
import json
import socket
from pathlib import Path
from typing import Any

from portal.embedded.options import Options


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _get(connection: http.client.HTTPConnection, path: str) -> tuple[int, bytes]:
    """Return status and body; status 0 without a response."""
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


async def until_accepting(path: Path) -> None:
    """Wait until something accepts connections on this unix socket."""
    while True:
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(path)) == 0:
                return
        await asyncio.sleep(0.01)


async def simulator_health(path: Path) -> dict[str, Any]:
    """Wait until the simulator responds. Return its health document."""
    while True:
        status, body = await asyncio.to_thread(_get, _UnixConnection(path), "/healthz")
        if status == 200:
            found = json.loads(body)
            return found if isinstance(found, dict) else {}
        await asyncio.sleep(0.03)


async def until_usable(options: Options) -> None:
    """Wait until the portal is ready and users can sign in."""
    for path in ("/readyz", "/accounts/login/"):
        while True:
            connection = http.client.HTTPConnection(options.own_host, options.port, timeout=10)
            status, _ = await asyncio.to_thread(_get, connection, path)
            if status == 200:
                break
            await asyncio.sleep(0.1)
