"""/recordings/{id}/: the recording of a terminal, as an asciicast."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.refusals import Refused
from accounts.rest.camel_case import CamelSerializer
from accounts.rest.requests import actor, person
from jobs.access import recordings
from sshgateway.models import Recording
from sshgateway.recording import asciicast, store

RECORDING_ID = OpenApiParameter("id", str, OpenApiParameter.PATH)


class RecordingSerializer(CamelSerializer):
    """The recording of a terminal: its output and its size, never what was typed."""

    id = serializers.CharField()
    session = serializers.CharField(source="session.pk")
    owner = serializers.CharField(source="session.owner.username")
    label: Any = serializers.CharField(source="session.label")
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    state = serializers.ChoiceField(
        ["growing", "complete", "size_limit", "failed", "cut_short", "deleted"],
        help_text="cut_short: the gateway process was lost; the recording ends with what it saved last.",
    )
    seconds = serializers.FloatField()
    size = serializers.IntegerField(help_text="Bytes.")
    missing = serializers.IntegerField(help_text="Bytes of output that came too fast to be recorded.")


def recording_of(request: Request, recording_id: str) -> Recording:
    """Return the recording. Raises NotFound unless the user may see it."""
    found = recordings.find_recording(person(request), recording_id)
    if found is None:
        raise NotFound
    return found


@extend_schema(parameters=[RECORDING_ID])
class OneRecording(APIView):
    """A recording of your own terminal, or of a terminal on your job. Administrators see all."""

    @extend_schema(responses=RecordingSerializer)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """Return the facts of the recording, without its content."""
        return Response(RecordingSerializer(recording_of(request, id)).data)


@extend_schema(parameters=[RECORDING_ID])
class Cast(APIView):
    """The content of a recording."""

    @extend_schema(responses={(200, asciicast.MEDIA_TYPE): OpenApiTypes.STR})
    def get(self, request: Request, id: str) -> HttpResponse:  # noqa: A002
        """Return the saved part as asciicast (version 2). If you are not the owner, the audit trail records it."""
        recording = recording_of(request, id)
        if recording.deleted_at is not None:
            raise Refused(
                "recording_deleted", "This recording was deleted after its retention period.", status=404
            )
        recordings.note_watched(actor(request), recording)
        try:
            content = b"".join(store.read_asciicast(recording))
        except FileNotFoundError:
            raise Refused(
                "recording_gone", "A part of this recording is missing from the storage.", status=404
            ) from None
        response = HttpResponse(content, content_type=asciicast.MEDIA_TYPE)
        response["Content-Disposition"] = (
            f'attachment; filename="terminal-{recording.started_at:%Y%m%d-%H%M%S}.cast"'
        )
        response["Cache-Control"] = "private, no-store"
        return response
