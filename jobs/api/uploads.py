"""/uploads/ and /uploads/{id}/: upload files in parts that survive a dropped line, over tus 1.0.0 (tus.io)."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.refusals import Refused
from accounts.rest.camel_case import CamelSerializer
from accounts.rest.requests import actor, person, pick
from jobs.api.stored_files import show_quota
from jobs.api.upload_body import headers_of, take_body
from jobs.models import Upload
from jobs.storage import tus_headers, uploads
from jobs.storage.refusal_reasons import UploadRefusal
from jobs.storage.upload_quota import MEGABYTE
from jobs.storage.upload_writer import UploadWriter

OFFSET_TYPE = "application/offset+octet-stream"
UPLOAD_ID = OpenApiParameter("id", str, OpenApiParameter.PATH)


def _header(name: str, description: str, *, required: bool = False) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, description=description, required=required)


RESUMABLE = _header("Tus-Resumable", "`1.0.0`.", required=True)
CHECKSUM = _header(
    "Upload-Checksum", "`sha1`, `sha256` or `sha512`, a blank, and the body's digest in base64."
)
LENGTH = _header("Upload-Length", "Bytes that the file has.", required=True)
METADATA = _header(
    "Upload-Metadata", "`filename` and its base64; optional `relativePath` and `typeId`.", required=True
)
OFFSET = _header("Upload-Offset", "The byte at which the body begins.", required=True)


class UploadStateSerializer(CamelSerializer):
    """An upload. `fileId` is null until its last byte has arrived."""

    id = serializers.CharField()
    name = serializers.CharField()
    relative_path = serializers.CharField()
    is_escaped = serializers.BooleanField()
    type_id = serializers.IntegerField()
    length = serializers.IntegerField()
    offset = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(help_text="When it is given up, unless more of it arrives.")
    file_id = serializers.CharField(allow_null=True)

    def get_offset(self, upload: Upload) -> int:
        return uploads.offset_of(upload)


class AnyBody(BaseParser):
    """Accepts every content type and reads nothing: bodies are written to the disk, not parsed."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return no data."""
        return {}


class TusView(APIView):
    """What every request of tus has in common: its version."""

    parser_classes = [AnyBody]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check who asks, then the version that they speak. Raises Refused (`tus_version_unknown`, 412)."""
        super().initial(request, *args, **kwargs)
        speaks_tus = request.method in ("POST", "HEAD", "PATCH", "DELETE")
        if speaks_tus and request.headers.get("Tus-Resumable") != tus_headers.VERSION:
            raise Refused(
                UploadRefusal.VERSION_UNKNOWN,
                "Speak version 1.0.0 of tus, and say so: Tus-Resumable: 1.0.0.",
                status=412,
            )

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Add what every response of tus has."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Tus-Resumable"] = tus_headers.VERSION
        response["Cache-Control"] = "no-store"
        if response.status_code == status.HTTP_412_PRECONDITION_FAILED:
            response["Tus-Version"] = tus_headers.VERSION
        if response.status_code == status.HTTP_423_LOCKED:
            response["Retry-After"] = "1"
        return response

    @extend_schema(exclude=True)
    def options(self, request: Request, *args: Any, **kwargs: Any) -> Response:  # type: ignore[override]  # rest_framework hands its own request
        """Tell what this server offers of tus."""
        return Response(
            status=status.HTTP_204_NO_CONTENT,
            headers={
                "Tus-Version": tus_headers.VERSION,
                "Tus-Extension": tus_headers.EXTENSIONS,
                "Tus-Max-Size": str(settings.HEADNODE_MAX_UPLOAD_MB * MEGABYTE),
                "Tus-Checksum-Algorithm": ",".join(tus_headers.ALGORITHMS),
            },
        )


class Uploads(TusView, ListAPIView[Upload]):
    """Uploads that are not complete."""

    serializer_class = UploadStateSerializer
    queryset = Upload.objects.none()

    def get_queryset(self) -> QuerySet[Upload]:
        return uploads.unfinished_uploads(person(self.request))

    @extend_schema(request=None, responses={201: None}, parameters=[RESUMABLE, LENGTH, METADATA, CHECKSUM])
    def post(self, request: Request) -> Response:
        """Begin an upload. Its URL is in `Location`; the body may bring the first bytes (creation-with-upload)."""
        if request.headers.get("Upload-Concat"):
            raise Refused(
                UploadRefusal.EXTENSION_UNKNOWN, "Uploads that are joined (Upload-Concat) are not supported."
            )
        length = tus_headers.read_length(
            request.headers.get("Upload-Length"), request.headers.get("Upload-Defer-Length")
        )
        checksum = tus_headers.read_checksum(request.headers.get("Upload-Checksum"))
        named = tus_headers.read_name(tus_headers.read_metadata(request.headers.get("Upload-Metadata")))
        has_body = request.content_type == OFFSET_TYPE
        declared = _declared(request) if has_body else 0
        if declared is not None and declared > length:
            raise Refused(
                UploadRefusal.TOO_LONG,
                f"The file was announced with {length} bytes, and this body is longer.",
                status=413,
            )
        upload = uploads.begin_upload(person(request), named, length)
        response = Response(status=status.HTTP_201_CREATED)
        response["Location"] = f"{request.path}{upload.pk}/"
        if has_body or length == 0:
            writer = UploadWriter(actor(request), upload, 0, declared, checksum)
            if has_body:
                take_body(request, writer)
            else:
                _finish(writer)
        for name, value in headers_of(upload).items():
            response[name] = value
        show_quota(response, request)
        return response


@extend_schema(parameters=[UPLOAD_ID])
class OneUpload(TusView):
    """One of your uploads."""

    def _upload(self, request: Request, upload_id: str) -> Upload:
        return pick(uploads.visible_uploads(person(request)).select_related("owner"), upload_id)

    @extend_schema(responses=UploadStateSerializer)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """Tell what became of the upload. After its last byte `fileId` names the file."""
        upload = self._upload(request, id)
        uploads.file_of(actor(request), upload)
        return Response(UploadStateSerializer(upload).data)

    @extend_schema(exclude=True)
    def head(self, request: Request, id: str) -> Response:  # noqa: A002
        """Tell from which byte on the upload continues."""
        upload = self._upload(request, id)
        uploads.check_alive(upload)
        return Response(headers={**headers_of(upload), "Upload-Length": str(upload.length)})

    @extend_schema(request=None, responses={204: None}, parameters=[RESUMABLE, OFFSET, CHECKSUM])
    def patch(self, request: Request, id: str) -> Response:  # noqa: A002
        """Append the body, of type `application/offset+octet-stream`, to the upload."""
        upload = self._upload(request, id)
        if request.content_type != OFFSET_TYPE:
            raise Refused(
                UploadRefusal.CONTENT_TYPE, f"Send the bytes with Content-Type: {OFFSET_TYPE}.", status=415
            )
        offset = tus_headers.read_offset(request.headers.get("Upload-Offset"))
        checksum = tus_headers.read_checksum(request.headers.get("Upload-Checksum"))
        uploads.check_alive(upload)
        take_body(request, UploadWriter(actor(request), upload, offset, _declared(request), checksum))
        return Response(status=status.HTTP_204_NO_CONTENT, headers=headers_of(upload))

    @extend_schema(responses={204: None}, parameters=[RESUMABLE])
    def delete(self, request: Request, id: str) -> Response:  # noqa: A002
        """Give the upload up. A file that was completed stays: delete that at `files/{id}/`."""
        uploads.delete_upload(self._upload(request, id))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _declared(request: Request) -> int | None:
    """Return the length of the body; None where only its end will tell."""
    if "transfer-encoding" in request.headers:
        return None
    text = request.headers.get("content-length", "")
    return int(text[:18]) if text.isdecimal() and text.isascii() else 0


def _finish(writer: UploadWriter) -> None:
    try:
        writer.finish()
    finally:
        writer.close()
