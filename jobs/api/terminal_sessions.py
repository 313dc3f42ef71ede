"""/terminal-sessions/: open shells for the browser, or for a program over a websocket."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import source_address
from accounts.rest.camel_case import CamelSerializer
from accounts.rest.fields import WholeNumberField
from accounts.rest.requests import person, pick
from jobs.access import node_access, session_subjects
from jobs.api import terminal_filters
from jobs.api.requests import job_of
from jobs.api.schema import SESSION_ID
from jobs.machines import machine_access
from sshgateway.models import TerminalSession
from sshgateway.sessions.session_actions import end_session, open_session
from sshgateway.ssh.targets import Target


class TerminalSessionSerializer(CamelSerializer):
    """A terminal session. Its websocket requires your cookie or token; the URL holds no secret."""

    id = serializers.CharField()
    websocket_url = serializers.SerializerMethodField()
    job = serializers.SerializerMethodField(help_text="The job it is on; null if it is on a machine.")
    machine = serializers.SerializerMethodField(
        help_text="The machine it is on; null if it is on a job's node."
    )
    node = serializers.CharField()
    opened_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    end_reason = serializers.SerializerMethodField(help_text="A stable code; null while it is open.")
    end_message = serializers.SerializerMethodField(help_text="The same as a sentence.")
    recording = serializers.SerializerMethodField(
        help_text="The id of its recording; null if it is not recorded."
    )

    def get_websocket_url(self, session: TerminalSession) -> str:
        url: str = self.context["request"].build_absolute_uri(session.websocket_path)
        return "ws" + url.removeprefix("http")

    def get_job(self, session: TerminalSession) -> str | None:
        return session_subjects.job_id_of(session.subject) or None

    def get_machine(self, session: TerminalSession) -> int | None:
        return machine_access.machine_id_of(session)

    def get_end_reason(self, session: TerminalSession) -> str | None:
        return session.end_reason or None

    def get_end_message(self, session: TerminalSession) -> str | None:
        return session.end_sentence or None

    def get_recording(self, session: TerminalSession) -> str | None:
        made = getattr(session, "recording_made", None)
        return made.pk if made is not None else None


class NewTerminalSessionSerializer(CamelSerializer):
    """A shell to open on a node of a job or on a machine, and the size of its window."""

    job = serializers.CharField(required=False, allow_null=True, default=None)
    machine = WholeNumberField(required=False, allow_null=True, default=None)
    node = serializers.CharField(
        required=False, default="head", max_length=80, help_text="A node of the job."
    )
    cols = WholeNumberField(required=False, default=80, min_value=1, max_value=1000)
    rows = WholeNumberField(required=False, default=24, min_value=1, max_value=1000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the values. Raises ValidationError unless they name either a job or a machine."""
        if attrs["job"] is None and attrs["machine"] is None:
            raise serializers.ValidationError({"job": "Name a job or a machine to open a terminal on."})
        if attrs["job"] is not None and attrs["machine"] is not None:
            raise serializers.ValidationError({"machine": "Name a job or a machine, not both."})
        return attrs


def target_of(request: Request, asked: dict[str, Any]) -> Target:
    """Return the node or machine to log in to. Raises NotFound, or Refused with why the user may not."""
    address = source_address.source_address_of(request._request)
    if asked["machine"] is not None:
        machines = machine_access.visible_machines(person(request))
        machine = pick(machines, str(asked["machine"]), number=True)
        return machine_access.terminal_target(person(request), machine, address)
    return node_access.terminal_target(person(request), job_of(request, asked["job"]), asked["node"], address)


def sessions_of(request: Request) -> QuerySet[TerminalSession]:
    """Return the user's own sessions, open and ended."""
    return TerminalSession.objects.filter(owner=person(request)).select_related("recording_made")


def session_response(request: Request, session: TerminalSession, code: int = status.HTTP_200_OK) -> Response:
    """Return one session as JSON."""
    return Response(TerminalSessionSerializer(session, context={"request": request}).data, status=code)


@extend_schema_view(get=extend_schema(parameters=terminal_filters.PARAMETERS))
class TerminalSessions(ListAPIView[TerminalSession]):
    """Your terminal sessions, newest first."""

    serializer_class = TerminalSessionSerializer
    queryset = TerminalSession.objects.none()

    def get_queryset(self) -> QuerySet[TerminalSession]:
        return terminal_filters.filtered(sessions_of(self.request), self.request.query_params)

    @extend_schema(request=NewTerminalSessionSerializer, responses={201: TerminalSessionSerializer})
    def post(self, request: Request) -> Response:
        """Open a shell on a node or a machine. It starts when its websocket connects. Your access rules apply."""
        body = NewTerminalSessionSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked: dict[str, Any] = body.validated_data
        target = target_of(request, asked)
        address = source_address.source_address_of(request._request)
        session = open_session(person(request), target, asked["cols"], asked["rows"], source_address=address)
        return session_response(request, session, status.HTTP_201_CREATED)


@extend_schema(parameters=[SESSION_ID])
class OneTerminalSession(APIView):
    """One of your terminal sessions."""

    @extend_schema(responses=TerminalSessionSerializer)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """Return the session, and how it ended."""
        return session_response(request, pick(sessions_of(request), id))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: str) -> Response:  # noqa: A002
        """End the shell. Doing it again changes nothing."""
        end_session(pick(sessions_of(request), id))
        return Response(status=status.HTTP_204_NO_CONTENT)
