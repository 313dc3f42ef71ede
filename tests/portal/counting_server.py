"""A real server with the limit on bodies around an application that counts what reaches it."""

import asyncio
import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from portal import serving
from portal.body_limit import BodyLimit
from tests.waiting import LIMIT, wait_for


class Counting:
    """An application that reads a body as Django does, keeps nothing, and says how much there was."""

    seen = 0
    # Seconds before each part is read.
    pause = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen = 0
        while True:
            await asyncio.sleep(self.pause)
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            self.seen += len(message.get("body", b""))
            if not message.get("more_body", False):
                break
        body = str(self.seen).encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@contextmanager
def serving_with_limit(application: ASGIApp) -> Iterator[int]:
    """Run the portal's kind of server with the limit around the application; yield its port."""
    config = uvicorn.Config(
        BodyLimit(application), log_level="error", lifespan="off", http=serving.HTTPProtocol, loop="asyncio"
    )
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        wait_for(lambda: server.started, "uvicorn starts")
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(LIMIT)


def send(
    port: int,
    path: str,
    size: int,
    headers: dict[str, str] | None = None,
    *,
    chunked: bool = False,
    method: str = "POST",
) -> Any:
    """POST that many bytes like a simple client: all of it first, then the answer is read."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
    try:
        piece = b"x" * 65536
        whole, rest = divmod(size, len(piece))
        pieces = [piece] * whole + [piece[:rest]] * (rest > 0)
        body = iter(pieces) if chunked else b"".join(pieces)
        connection.request(method, path, body, headers or {}, encode_chunked=chunked)
        answer = connection.getresponse()
        return answer.status, answer.getheader("content-type"), answer.read().decode()
    finally:
        connection.close()
