"""The way from a node's programs to the portal's API, and to nothing else of the portal.

Nodes have no way out of their cluster's network. The agent listens on the node's loopback, where the order says that
the API is (`api_url`); what comes there goes to the portal if it is a request of the API with the key of this cluster's
job. It arrives from the node's own address, and without cookies and forwarding headers: on this machine, a program of a
node is nobody.
"""

import asyncio
import ipaddress
import json
import re
import socket
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from jobs.node_contract.job_key import key_prefix

LOOPBACK = "127.0.0.1"
MOST_AT_ONCE = 16
# Longer than an answer may wait for news (`Prefer: wait`).
TIMEOUT = httpx.Timeout(90.0, connect=10.0)
# As the API's own routes are written: no dots and no escapes, with which a path could lead elsewhere.
_PATH = re.compile(rb"/api/v[23]/(?:[A-Za-z0-9_-]+/)*")
_SENT = re.compile(
    rb"accept|authorization|content-(type|length)|if-.+|prefer|range|tus-.+|upload-.+|user-agent"
)
_HOP_BY_HOP = (b"connection", b"keep-alive", b"transfer-encoding", b"date", b"server")


def door_port(api_url: str) -> int | None:
    """Return the port of the node's loopback where an order wants the API; None if it is elsewhere."""
    parts = urlsplit(api_url)
    return parts.port if parts.scheme == "http" and parts.hostname == LOOPBACK else None


class APIDoor:
    """One node's door. `portal` is the origin of the portal, as the simulator reaches it."""

    def __init__(self, cluster_id: str, portal: str, node_address: str) -> None:
        self._origin = "{0.scheme}://{0.netloc}".format(urlsplit(portal))
        self._key = re.compile(
            rb"(?i:token|bearer) +" + re.escape(key_prefix(cluster_id)).encode() + rb"[0-9a-f]+"
        )
        self._from = (
            node_address if _is_loopback(urlsplit(portal).hostname) and _is_loopback(node_address) else None
        )
        self._client: httpx.AsyncClient | None = None
        self._listener: asyncio.AbstractServer | None = None

    async def open(self, listener: socket.socket) -> None:
        """Serve on a listener inside the node."""
        loop = asyncio.get_running_loop()
        config = uvicorn.Config(
            self._answer,
            interface="asgi3",
            http=H11Protocol,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            limit_concurrency=MOST_AT_ONCE,
        )
        config.load()
        state = ServerState()
        self._listener = await loop.create_server(
            lambda: H11Protocol(config=config, server_state=state, app_state={}), sock=listener
        )

    async def close(self) -> None:
        """Accept no more requests and end those under way."""
        if self._listener is not None:
            self._listener.close()
        if self._client is not None:
            await self._client.aclose()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if (why := self._refusal(scope)) is not None:
            await _refuse(send, 403, "not_offered", why)
            return
        try:
            answer = await self._asked(scope, receive)
        except httpx.HTTPError:
            await _refuse(send, 502, "portal_silent", "The portal does not answer. Try again.")
            return
        try:
            headers = [(n.lower(), v) for n, v in answer.headers.raw if n.lower() not in _HOP_BY_HOP]
            await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
            async for chunk in answer.aiter_raw():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await answer.aclose()

    def _refusal(self, scope: Scope) -> str | None:
        if _PATH.fullmatch(scope["raw_path"].partition(b"?")[0]) is None:
            return "Nodes reach the portal's API, below /api/v2/ and /api/v3/, and nothing else of it."
        keys = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(keys) != 1 or self._key.fullmatch(keys[0]) is None:
            return "Nodes reach the portal's API with the key of their own job (RESCALE_API_KEY) only."
        return None

    async def _asked(self, scope: Scope, receive: Receive) -> httpx.Response:
        """Send the request to the portal. Raises HTTPError."""
        if self._client is None:
            transport = httpx.AsyncHTTPTransport(
                local_address=self._from, limits=httpx.Limits(max_connections=MOST_AT_ONCE)
            )
            self._client = httpx.AsyncClient(transport=transport, timeout=TIMEOUT, trust_env=False)
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        path = scope["raw_path"].partition(b"?")[0] + query
        headers: list[tuple[bytes, bytes]] = [pair for pair in scope["headers"] if _SENT.fullmatch(pair[0])]
        # As the node knows it: addresses in answers lead through this door again.
        headers += [pair for pair in scope["headers"] if pair[0] == b"host"][:1]
        has_body = any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])
        request = self._client.build_request(
            scope["method"],
            httpx.URL(self._origin).copy_with(raw_path=path),
            headers=headers,
            content=_body(receive) if has_body else None,
        )
        return await self._client.send(request, stream=True)


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise httpx.RequestError("the node's program is gone")
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return


async def _refuse(send: Send, status: int, reason: str, detail: str) -> None:
    body = json.dumps({"detail": detail, "reason": reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _is_loopback(host: str | None) -> bool:
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return host == "localhost"
