"""/jobs/{id}/tree/: the files of a job as a tree, before, during and after its run alike."""

import re
from datetime import UTC, datetime
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.camel_case import CamelSerializer
from accounts.rest.requests import actor
from jobs.access import refusals
from jobs.api.requests import job_of
from jobs.api.schema import JOB_ID
from jobs.files import folder_changes, job_folder
from jobs.files.job_folder import Place, opened_folder
from jobs.remote.folder_paths import path_bytes, path_text
from jobs.remote.run_folder import Entry, Folder
from jobs.storage import file_names

PATH = OpenApiParameter(
    "path",
    str,
    description="Below the run's folder; empty for the folder itself. Bytes that are no UTF-8 are percent-escaped in "
    "upper case, and so is a `%` that two such digits follow.",
)
NODE = OpenApiParameter("node", str, description="The node whose folder is read; `head` by default.")
_NODE_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)


class EntrySerializer(CamelSerializer):
    """A file, folder or link."""

    name = serializers.CharField()
    path = serializers.CharField()
    kind = serializers.ChoiceField(
        ["file", "folder", "link", "other"], help_text="`other`: a device, pipe or socket; it is never read."
    )
    size = serializers.IntegerField(allow_null=True, help_text="In bytes; null unless it is a file.")
    modified_at = serializers.DateTimeField(allow_null=True)
    target = serializers.CharField(allow_null=True, help_text="Where a link leads.")


class FolderSerializer(CamelSerializer):
    """A folder with its entries, sorted by name. At most 20,000 are listed."""

    path = serializers.CharField()
    entries = EntrySerializer(many=True)
    complete = serializers.BooleanField(help_text="False if there are more entries than were listed.")
    place = serializers.ChoiceField(
        [place.value for place in Place],
        help_text="Where the files are now: the job's inputs, its folder on the node, or storage.",
    )


class NewFolderSerializer(CamelSerializer):
    """A folder to create."""

    path = serializers.CharField(trim_whitespace=False, max_length=12_000)


def asked_of(request: Request, job_id: str) -> job_folder.Request:
    """Return whose files are asked for, by whom. Raises NotFound, Refused."""
    job = job_of(request, job_id)
    node = request.query_params.get("node") or "head"
    if _NODE_NAME.fullmatch(node) is None:
        raise refusals.no_such_node()
    return job_folder.Request(actor(request), job, node)


def path_of(request: Request) -> bytes:
    """Return the path that the query names. Raises Refused."""
    return path_bytes(request.query_params.get("path", ""))


def entry_json(entry: Entry) -> dict[str, Any]:
    """Return one entry as JSON. Not by a serializer: a folder may have 20,000."""
    raw_name = entry.path.rpartition(b"/")[2]
    return {
        "name": file_names.to_text(raw_name)[0],
        "path": path_text(entry.path),
        "kind": entry.kind,
        "size": entry.size,
        "modifiedAt": _time(entry.modified),
        "target": None if entry.target is None else path_text(entry.target),
    }


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _folder_json(place: Place, folder: Folder) -> dict[str, Any]:
    return {
        "path": path_text(folder.path),
        "entries": [entry_json(each) for each in sorted(folder.entries, key=lambda each: each.path)],
        "complete": folder.complete,
        "place": place.value,
    }


@extend_schema(parameters=[JOB_ID, NODE])
class Tree(APIView):
    """The files of a job: its inputs before the run, its folder on the node during it, its outputs afterwards."""

    @extend_schema(parameters=[PATH], responses=FolderSerializer)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """List a folder. While it is on a node, your access rules apply as they do to a terminal."""
        asked = asked_of(request, id)
        with opened_folder(asked) as (place, folder):
            found = folder.listing(path_of(request))
        return Response(_folder_json(place, found))

    @extend_schema(request=NewFolderSerializer, responses={201: EntrySerializer})
    def post(self, request: Request, id: str) -> Response:  # noqa: A002
        """Create a folder while the run's folder is on its node."""
        asked = asked_of(request, id)
        body = NewFolderSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        entry = folder_changes.make_folder(asked, path_bytes(body.validated_data["path"]))
        return Response(entry_json(entry), status=status.HTTP_201_CREATED)
