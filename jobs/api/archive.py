"""/jobs/{id}/archive/: files and folders of a job as one zip."""

from contextlib import ExitStack
from functools import partial

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from jobs.api.file_streams import file_response
from jobs.api.schema import JOB_ID
from jobs.api.tree import NODE, asked_of
from jobs.files import archive, folder_changes
from jobs.files.job_folder import Place, check_access, checked, opened_folder
from jobs.files.zip_stream import zip_stream
from jobs.remote.folder_paths import path_bytes
from jobs.storage import file_names

PATHS = OpenApiParameter(
    "path", str, many=True, description="As in `tree/`; may be repeated. None: everything."
)


@extend_schema(parameters=[JOB_ID, NODE])
class Archive(APIView):
    """A zip of a job's files."""

    @extend_schema(parameters=[PATHS], responses={(200, "application/zip"): OpenApiTypes.BINARY})
    def get(self, request: Request, id: str) -> HttpResponseBase:  # noqa: A002
        """Download files and folders as a zip, made while it is sent. Names are kept byte for byte.

        Links to files in the folder are stored as those files; other links, devices and pipes are left out.
        """
        asked = asked_of(request, id)
        paths = [path_bytes(text) for text in request.query_params.getlist("path") if text]
        with ExitStack() as opened:
            place, folder = opened.enter_context(opened_folder(asked, is_long=True))
            entries = archive.entries_of(folder, paths)
            if place == Place.NODE:
                folder_changes.tell_read(asked, paths)
            chunks = checked(
                zip_stream(archive.members_of(folder, paths, entries)), partial(check_access, asked, place)
            )
            name = file_names.to_text(archive.name_of(paths, asked.job.name))[0]
            return file_response(request, chunks, opened.pop_all().close, name, "application/zip")
