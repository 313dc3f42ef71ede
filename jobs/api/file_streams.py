"""Responses that stream a file or a zip, always as a download that no browser renders."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

from django.core.handlers.asgi import ASGIRequest
from django.db import connections
from django.http import StreamingHttpResponse
from rest_framework.request import Request

from jobs.files.node_channels import POOL
from jobs.storage.file_names import attachment_header

# Should a browser show it all the same: no scripts, no forms, an origin of its own.
SANDBOX = "sandbox; default-src 'none'"


class _Body:
    """Chunks, and what they need while they are read. It is released once: at their end, or when the client went."""

    def __init__(self, chunks: Iterator[bytes], release: Callable[[], None]) -> None:
        self._chunks, self._release, self._is_reading, self._is_left = chunks, release, False, False

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.next_chunk():
            yield chunk

    def next_chunk(self) -> bytes:
        """Return the next chunk; empty at the end."""
        self._is_reading = True
        try:
            return b"" if self._is_left else next(self._chunks, b"")
        finally:
            self._is_reading = False
            if self._is_left:
                self._release()

    def close(self) -> None:
        """Release what it needs, now or after the chunk that is being read."""
        self._is_left = True
        if not self._is_reading:
            self._release()


def file_response(
    request: Request, chunks: Iterator[bytes], release: Callable[[], None], name: str, content_type: str
) -> StreamingHttpResponse:
    """Return a download of this name. `release` is called at its end, also if the client breaks off; twice at most."""
    if request.method == "HEAD":  # the server would read all of it and send nothing
        release()
        chunks = iter(())
    body = _Body(chunks, release)
    # Under ASGI Django would read a plain iterator to its end before it sends the first byte.
    is_asgi = isinstance(request._request, ASGIRequest)
    response = StreamingHttpResponse(
        _async_chunks(body) if is_asgi else iter(body), content_type=content_type
    )
    response._resource_closers.append(body.close)  # type: ignore[attr-defined]  # as FileResponse does
    response["Content-Disposition"] = attachment_header(name)
    response["Content-Security-Policy"] = SANDBOX
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-cache"
    return response


async def _async_chunks(body: _Body) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()

    def next_chunk() -> bytes:
        try:
            return body.next_chunk()
        finally:
            connections.close_all()  # what the check of access opened in this thread

    try:
        while chunk := await loop.run_in_executor(POOL, next_chunk):
            yield chunk
    finally:
        # Not here: to close a file on a node is to wait for the node.
        await asyncio.shield(loop.run_in_executor(POOL, body.close))
