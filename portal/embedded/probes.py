"""Wait until processes are ready, over HTTP and unix sockets."""

import asyncio
import http.client
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from portal.embedded.options import Options

REPORT_SECONDS = 20.0


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Response(NamedTuple):
    """An HTTP response. The status is 0 if there was none."""

    status: int
    body: bytes = b""
    location: str = ""


def _get(connection: http.client.HTTPConnection, path: str) -> Response:
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return Response(response.status, response.read(), response.getheader("Location", ""))
    except (OSError, http.client.HTTPException):
        return Response(0)
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
        response = await asyncio.to_thread(_get, _UnixConnection(path), "/healthz")
        if response.status == 200:
            found = json.loads(response.body)
            return found if isinstance(found, dict) else {}
        await asyncio.sleep(0.03)


async def until_usable(options: Options, report: Callable[[str], None]) -> None:
    """Wait until the portal is ready and users can sign in. Every REPORT_SECONDS, `report` what is missing."""
    await _until(options, "/readyz", _is_found, report)
    await _until(options, "/accounts/login/", _is_served, report)


async def _until(
    options: Options, path: str, is_good: Callable[[Response], bool], report: Callable[[str], None]
) -> None:
    reported_at = time.monotonic()
    while True:
        connection = http.client.HTTPConnection(options.own_host, options.port, timeout=10)
        response = await asyncio.to_thread(_get, connection, path)
        if is_good(response):
            return
        if time.monotonic() - reported_at >= REPORT_SECONDS:
            reported_at = time.monotonic()
            report(f"not ready yet: {path} {_described(response)}")
        await asyncio.sleep(0.1)


def _is_found(response: Response) -> bool:
    return response.status == 200


def _is_served(response: Response) -> bool:
    """Return whether this is the page, or the redirect to https that every page has behind a TLS proxy."""
    return response.status == 200 or (
        response.status in (301, 302, 307, 308) and response.location.startswith("https://")
    )


def _described(response: Response) -> str:
    if not response.status:
        return "does not respond"
    body = response.body.decode("utf-8", "replace").strip()
    return f"responds with status {response.status}" + (f": {body[:300]}" if body and body[0] == "{" else "")
