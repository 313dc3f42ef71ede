"""/files/{id}/contents/ and lines/: download a stored file or a part of it, or read it as text."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.core.files import File
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.camel_case import CamelSerializer
from accounts.rest.requests import person, pick
from jobs.api import ranges
from jobs.api.schema import FILE_ID
from jobs.models import StoredFile
from jobs.storage import stored_files
from jobs.storage.file_names import attachment_header

CHUNK = 256 * 1024
MAX_TEXT = 4 * 1024 * 1024

RANGE = OpenApiParameter("Range", str, OpenApiParameter.HEADER, description="One range: `bytes=0-1023`.")
BYTES = {
    (200, "application/octet-stream"): OpenApiTypes.BINARY,
    (206, "application/octet-stream"): OpenApiTypes.BINARY,
    416: None,
}


class LinesSerializer(CamelSerializer):
    """A file as text."""

    lines = serializers.ListField(child=serializers.CharField())
    truncated = serializers.BooleanField(help_text="Whether the file is longer than these lines.")


@extend_schema(parameters=[FILE_ID])
class FileContents(APIView):
    """The content of one of your files."""

    @extend_schema(parameters=[RANGE], responses=BYTES)
    def get(self, request: Request, id: str) -> HttpResponseBase:  # noqa: A002
        """Download the file; with a `Range` header only a part of it, to continue a download."""
        file = pick(stored_files.visible_files(person(request)), id)
        etag = f'"{file.sha512}"' if file.sha512 else ""
        try:
            wanted = _asked_range(request, file, etag)
        except ranges.Unsatisfiable:
            return HttpResponse(
                status=status.HTTP_416_REQUESTED_RANGE_NOT_SATISFIABLE,
                headers={"Content-Range": f"bytes */{file.size}"},
            )
        first, last = wanted or (0, file.size - 1)
        response = _stream(request, stored_files.open_file(file), first, last - first + 1)
        if wanted is not None:
            response.status_code = status.HTTP_206_PARTIAL_CONTENT
            response["Content-Range"] = f"bytes {first}-{last}/{file.size}"
        _set_headers(response, file, etag, last - first + 1)
        return response


@extend_schema(parameters=[FILE_ID])
class FileLines(APIView):
    """One of your files as text."""

    @extend_schema(responses=LinesSerializer)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """Return the file's lines with their ends. Bytes that are not UTF-8 become replacement characters."""
        file = pick(stored_files.visible_files(person(request)), id)
        with stored_files.open_file(file) as content:
            text = content.read(MAX_TEXT).decode("utf-8", "replace")
        return Response({"lines": _lines(text), "truncated": file.size > MAX_TEXT})


def _lines(text: str) -> list[str]:
    """Return the lines, each with its line feed; the last may have none."""
    *lines, rest = text.split("\n")
    return [f"{line}\n" for line in lines] + ([rest] if rest else [])


def _asked_range(request: Request, file: StoredFile, etag: str) -> tuple[int, int] | None:
    """Return the first and last byte asked for; None for all. Raises Unsatisfiable.

    A range of another version (If-Range) is ignored, as RFC 9110 says.
    """
    if "if-range" in request.headers and (not etag or request.headers["if-range"] != etag):
        return None
    return ranges.parse_range(request.headers.get("range", ""), file.size)


def _set_headers(response: HttpResponseBase, file: StoredFile, etag: str, length: int) -> None:
    response["Content-Length"] = str(length)
    response["Accept-Ranges"] = "bytes"
    # Always a download: an HTML file that a job wrote must not run scripts under the portal's origin.
    response["Content-Disposition"] = attachment_header(file.name)
    if etag:
        response["ETag"] = etag


def _stream(request: Request, content: "File[Any]", first: int, length: int) -> StreamingHttpResponse:
    content.seek(first)
    chunks = _chunks(content, length)
    # Under ASGI Django would read a plain iterator to its end before it sends the first byte.
    body = _async_chunks(chunks) if isinstance(request._request, ASGIRequest) else chunks
    response = StreamingHttpResponse(body, content_type="application/octet-stream")
    response._resource_closers.append(content.close)  # type: ignore[attr-defined]
    return response


def _chunks(content: "File[Any]", length: int) -> Iterator[bytes]:
    while length > 0 and (chunk := content.read(min(CHUNK, length))):
        length -= len(chunk)
        yield chunk


async def _async_chunks(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    @sync_to_async(thread_sensitive=False)
    def next_chunk() -> bytes:
        return next(chunks, b"")

    while chunk := await next_chunk():
        yield chunk
