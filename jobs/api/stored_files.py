"""/files/, /files/contents/, /files/{id}/ and /jobs/{id}/files/: stored files."""

import re
from typing import Any
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.db.models import Q, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.camel_case import CamelSerializer
from accounts.rest.exceptions import TooLarge
from accounts.rest.fields import WholeNumberField
from accounts.rest.requests import actor, person, pick
from jobs.api.constant import ConstantField
from jobs.api.job_filters import search_text
from jobs.api.requests import job_of
from jobs.api.schema import FILE_ID, JOB_ID
from jobs.api.upload_parser import UploadParser
from jobs.models import StoredFile
from jobs.storage import stored_files
from jobs.storage.upload_quota import use_of

USED_HEADER, QUOTA_HEADER = "X-Upload-Used-Bytes", "X-Upload-Quota-Bytes"
QUOTA_HEADERS = [
    OpenApiParameter(name, int, OpenApiParameter.HEADER, description=meaning, response=[200])
    for name, meaning in (
        (USED_HEADER, "What the files you uploaded hold together, in bytes."),
        (QUOTA_HEADER, "What they may hold together, in bytes."),
    )
]
# One program's upload has the part header `Content-Type: {'type_id': 1}`.
_TYPE_IN_HEADER = re.compile(r"""['"]?type_?id['"]?\s*[:=]\s*([0-9]{1,3})""", re.IGNORECASE)
# What a list may be sorted by, each also with "-" before it.
ORDERS = {"name": "name", "size": "size", "dateUploaded": "created_at"}
ORDERING = OpenApiParameter(
    "ordering",
    str,
    enum=[sign + name for name in ORDERS for sign in ("", "-")],
    description="Sort by this; `-` reverses.",
)
UPLOADED = OpenApiParameter(
    "uploaded", bool, description="`true`: only what you uploaded, no outputs of jobs."
)
SEARCH = OpenApiParameter("search", str, description="Part of the name or path.")


class ChecksumSerializer(CamelSerializer):
    """A checksum of a file."""

    hash_function = serializers.CharField()
    file_hash = serializers.CharField()


class FileSerializer(CamelSerializer):
    """A stored file. `typeId` is 1 for an input, 5 for an output."""

    id = serializers.CharField()
    name = serializers.CharField()
    type_id = serializers.IntegerField()
    path = serializers.CharField(source="relative_path")
    relative_path = serializers.CharField()
    is_escaped = serializers.BooleanField(
        help_text="Whether `name` and the paths are percent-escaped, because their bytes are not UTF-8."
    )
    owner = serializers.SerializerMethodField()
    date_uploaded = serializers.DateTimeField(source="created_at")
    decrypted_size = serializers.IntegerField(source="size")
    download_url = serializers.SerializerMethodField()
    file_checksums = serializers.SerializerMethodField()
    md5 = serializers.CharField(help_text="Empty for files of an older version of the portal.")
    shared_with = ConstantField([])
    encoded_encryption_key = ConstantField("")
    is_uploaded = ConstantField(value=True)
    is_deleted = ConstantField(value=False)
    view_in_browser = ConstantField(value=False)
    path_parts = ConstantField(None)
    storage = ConstantField(None)
    user_tags = ConstantField([])

    def get_owner(self, file: StoredFile) -> str:
        return file.owner.email or file.owner.get_username()

    def get_download_url(self, file: StoredFile) -> str:
        return str(self.context["request"].build_absolute_uri(f"/api/v2/files/{file.pk}/contents/"))

    @extend_schema_field(ChecksumSerializer(many=True))
    def get_file_checksums(self, file: StoredFile) -> list[dict[str, str]]:
        return [{"hashFunction": "SHA-512", "fileHash": file.sha512}] if file.sha512 else []


class UploadSerializer(CamelSerializer):
    """A file to upload. `typeId`: 1 input, 2 template, 3 parameters, 4 script, 7 and 8 case."""

    file = serializers.FileField(allow_empty_file=True)
    encoded_name = serializers.CharField(
        required=False,
        trim_whitespace=False,
        help_text="The file's name, percent-encoded byte by byte. Use it for names that a form cannot carry exactly: "
        "not UTF-8, or with a backslash or `%22` in them.",
    )
    type_id = WholeNumberField(required=False)

    def to_internal_value(self, data: Any) -> Any:
        """Return the file and its type. Rescale's programs send the type as a field or as the file's content type."""
        values = super().to_internal_value(data)
        if "type_id" not in values:
            said = data.get("type_id") or _TYPE_IN_HEADER.search(
                getattr(values["file"], "content_type", None) or ""
            )
            if said:
                text = said if isinstance(said, str) else said.group(1)
                values["type_id"] = self.fields["typeId"].run_validation(text)
        return values


class FilePatch(CamelSerializer):
    """What to change of a file."""

    name = serializers.CharField(required=False, max_length=1000)
    type_id = WholeNumberField(required=False)


@extend_schema_view(get=extend_schema(parameters=[SEARCH, ORDERING, UPLOADED, *QUOTA_HEADERS]))
class Files(ListAPIView[StoredFile]):
    """Your files, newest first: those you uploaded and the output of your jobs."""

    serializer_class = FileSerializer
    queryset = StoredFile.objects.none()

    def get_queryset(self) -> QuerySet[StoredFile]:
        rows = filtered_files(stored_files.visible_files(person(self.request)), self.request)
        asked = self.request.query_params
        if asked.get("uploaded") == "true":
            rows = rows.exclude(type_id=StoredFile.Type.OUTPUT)
        if not (order := asked.get("ordering", "")):
            return rows
        if (column := ORDERS.get(order.removeprefix("-"))) is None:
            raise serializers.ValidationError({"ordering": [f"Sort by one of {', '.join(ORDERS)}."]})
        return rows.order_by(("-" if order.startswith("-") else "") + column, "pk")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return a page of files, and in two headers how much your uploads hold and may hold."""
        response = super().list(request, *args, **kwargs)
        show_quota(response, request)
        return response


@extend_schema_view(get=extend_schema(parameters=[JOB_ID, SEARCH]))
class JobFiles(ListAPIView[StoredFile]):
    """The output files of a job. They are complete once the job is Completed."""

    serializer_class = FileSerializer
    queryset = StoredFile.objects.none()

    def get_queryset(self) -> QuerySet[StoredFile]:
        job = job_of(self.request, self.kwargs["id"])
        return filtered_files(StoredFile.objects.filter(job=job), self.request)


class Upload(APIView):
    """Upload a file."""

    parser_classes = [UploadParser]

    @extend_schema(request=UploadSerializer, responses={201: FileSerializer})
    def post(self, request: Request) -> Response:
        """Upload a file (form field `file`). Name its id in the `inputFiles` of a job to use it.

        Its name is kept byte for byte, whatever Linux allows.
        """
        limit = settings.HEADNODE_MAX_UPLOAD_MB
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length[:18]) > limit * 1024 * 1024:
            raise TooLarge(f"The file is too large: at most {limit} MB.")
        body = UploadSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        uploaded, encoded_name = asked["file"], asked.get("encoded_name")
        name = uploaded.exact_name.encode() if encoded_name is None else unquote_to_bytes(encoded_name)
        type_id = asked.get("type_id", StoredFile.Type.INPUT)
        file = stored_files.store_upload(actor(request), person(request), uploaded, name, type_id)
        content = FileSerializer(file, context={"request": request}).data
        response = Response(content, status=status.HTTP_201_CREATED)
        show_quota(response, request)
        return response

    @extend_schema(request=UploadSerializer, responses={201: FileSerializer})
    def put(self, request: Request) -> Response:
        """Upload a file, like POST. Some of Rescale's clients use PUT."""
        return self.post(request)


@extend_schema(parameters=[FILE_ID])
class OneFile(APIView):
    """One of your files."""

    def _file(self, request: Request, file_id: str) -> StoredFile:
        return pick(stored_files.visible_files(person(request)).select_related("owner"), file_id)

    @extend_schema(responses=FileSerializer)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """Return the facts of the file, without its content."""
        return Response(FileSerializer(self._file(request, id), context={"request": request}).data)

    @extend_schema(request=FilePatch, responses=FileSerializer)
    def patch(self, request: Request, id: str) -> Response:  # noqa: A002
        """Rename the file, or say what it is for (`typeId`). Its content stays."""
        body = FilePatch(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        file = stored_files.change_file(actor(request), self._file(request, id), **body.validated_data)
        return Response(FileSerializer(file, context={"request": request}).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: str) -> Response:  # noqa: A002
        """Delete the file. Refused while it is an input of a submitted job that is not Completed."""
        stored_files.delete_file(actor(request), self._file(request, id))
        return Response(status=status.HTTP_204_NO_CONTENT)


def show_quota(response: Response, request: Request) -> None:
    """Say in two headers how much the person's uploads hold and may hold."""
    use = use_of(person(request))
    response[USED_HEADER], response[QUOTA_HEADER] = str(use.used), str(use.quota)


def filtered_files(rows: QuerySet[StoredFile], request: Request) -> QuerySet[StoredFile]:
    """Return the files that the query string asks for."""
    rows = rows.select_related("owner")
    if search := search_text(request.query_params, "search"):
        rows = rows.filter(Q(name__icontains=search) | Q(relative_path__icontains=search))
    return rows
