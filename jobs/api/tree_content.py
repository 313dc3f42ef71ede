"""/jobs/{id}/tree/content/: read, write, rename and delete one file of a job."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.camel_case import CamelSerializer
from jobs.api import ranges
from jobs.api.file_content import BYTES, RANGE
from jobs.api.file_streams import file_response
from jobs.api.schema import JOB_ID
from jobs.api.tree import NODE, PATH, EntrySerializer, asked_of, entry_json, path_of
from jobs.files import folder_changes, job_folder
from jobs.files.job_folder import Content, Place, check_access, checked, opened_folder
from jobs.remote.folder_paths import path_bytes
from jobs.storage import file_names

CHUNK = 256 * 1024
IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="Replace only the version with this ETag."
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="`*`: replace nothing."
)
RECURSIVE = OpenApiParameter("recursive", bool, description="Also delete what is in the folder.")


class NewPathSerializer(CamelSerializer):
    """The path that a file or folder is to have."""

    new_path = serializers.CharField(trim_whitespace=False, max_length=12_000)


@extend_schema(parameters=[JOB_ID, PATH, NODE])
class TreeContent(APIView):
    """One file of a job."""

    @extend_schema(parameters=[RANGE], responses={**BYTES, 304: None})
    def get(self, request: Request, id: str) -> HttpResponseBase:  # noqa: A002
        """Download the file, or a part of it with a `Range` header. Always as a download, whatever is in it."""
        asked, path = asked_of(request, id), path_of(request)
        with ExitStack() as opened:
            place, folder = opened.enter_context(opened_folder(asked, is_long=True))
            content = opened.enter_context(folder.opened(path))
            response = _content_response(request, asked, place, content, opened)
            if place == Place.NODE and response.status_code == status.HTTP_200_OK:
                folder_changes.tell_read(asked, [path])
            return response

    @extend_schema(
        parameters=[IF_MATCH, IF_NONE_MATCH],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses=EntrySerializer,
    )
    def put(self, request: Request, id: str) -> Response:  # noqa: A002
        """Create or replace the file while the run's folder is on its node. It appears when all of it is there."""
        asked = asked_of(request, id)
        entry = folder_changes.write_file(
            asked,
            path_of(request),
            _body(request),
            if_match=request.headers.get("if-match", ""),
            if_none_match=request.headers.get("if-none-match", ""),
        )
        return Response(entry_json(entry), headers={"ETag": entry.etag})

    @extend_schema(request=NewPathSerializer, responses=EntrySerializer)
    def patch(self, request: Request, id: str) -> Response:  # noqa: A002
        """Rename or move the file, folder or link while the run's folder is on its node. Nothing is replaced."""
        asked = asked_of(request, id)
        body = NewPathSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        new_path = path_bytes(body.validated_data["new_path"], "newPath")
        return Response(entry_json(folder_changes.rename(asked, path_of(request), new_path)))

    @extend_schema(parameters=[RECURSIVE], responses={204: None})
    def delete(self, request: Request, id: str) -> Response:  # noqa: A002
        """Delete the file, the link (not what it leads to) or the folder while the run's folder is on its node."""
        recursive = request.query_params.get("recursive", "").lower() in ("1", "true")
        folder_changes.remove(asked_of(request, id), path_of(request), recursive=recursive)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _content_response(
    request: Request, asked: job_folder.Request, place: Place, content: Content, opened: ExitStack
) -> HttpResponseBase:
    """Return the answer; if it is a stream, it takes over what is `opened`."""
    if content.etag and request.headers.get("if-none-match", "") == content.etag:
        return HttpResponse(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": content.etag})
    try:
        wanted = _range(request, content)
    except ranges.Unsatisfiable:
        return HttpResponse(
            status=status.HTTP_416_REQUESTED_RANGE_NOT_SATISFIABLE,
            headers={"Content-Range": f"bytes */{content.size}"},
        )
    first, last = wanted or (0, content.size - 1)
    chunks = checked(content.read(first, last - first + 1), partial(check_access, asked, place))
    name = file_names.to_text(content.entry.path.rpartition(b"/")[2])[0]
    response = file_response(request, chunks, opened.pop_all().close, name, "application/octet-stream")
    response["Content-Length"] = str(last - first + 1)
    response["Accept-Ranges"] = "bytes"
    if content.etag:
        response["ETag"] = content.etag
    if wanted is not None:
        response.status_code = status.HTTP_206_PARTIAL_CONTENT
        response["Content-Range"] = f"bytes {first}-{last}/{content.size}"
    return response


def _range(request: Request, content: Content) -> tuple[int, int] | None:
    """Return the first and last byte asked for. With If-Range only a strong tag that still holds counts (RFC 9110)."""
    if_range = request.headers.get("if-range")
    if if_range is not None and (content.etag.startswith("W/") or if_range != content.etag):
        return None
    return ranges.parse_range(request.headers.get("range", ""), content.size)


def _body(request: Request) -> Iterator[bytes]:
    # The body itself: it is no form and no JSON here, whatever its content type says.
    stream: Any = request._request
    while chunk := stream.read(CHUNK):
        yield chunk
