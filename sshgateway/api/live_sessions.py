"""/live-sessions/: every open terminal, for administrators."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.camel_case import CamelSerializer
from accounts.rest.permissions import IsAdministrator
from accounts.rest.requests import actor, pick
from sshgateway.api.session_shares import SESSION_ID, WatcherSerializer
from sshgateway.models import TerminalSession
from sshgateway.sessions import oversight, session_actions

ADMINISTRATORS = [IsAuthenticated, IsAdministrator]


class LiveSessionSerializer(CamelSerializer):
    """An open terminal. To watch it, connect to its websocket; its owner is told."""

    id = serializers.CharField()
    owner = serializers.CharField(source="owner.username")
    label: Any = serializers.CharField()
    node = serializers.CharField()
    subject = serializers.CharField()
    source_address = serializers.CharField()
    opened_at = serializers.DateTimeField()
    idle_seconds = serializers.SerializerMethodField(
        help_text="Since somebody last typed, or since it opened."
    )
    recording = serializers.ChoiceField(["off", "on", "announced"])
    websocket_url = serializers.SerializerMethodField()
    watchers = WatcherSerializer(many=True, source="watching")

    def get_idle_seconds(self, session: TerminalSession) -> int:
        last: datetime = session.last_keystroke_at or session.opened_at
        return max(0, int((timezone.now() - last).total_seconds()))

    def get_websocket_url(self, session: TerminalSession) -> str:
        url: str = self.context["request"].build_absolute_uri(session.websocket_path)
        return "ws" + url.removeprefix("http")


class EndSerializer(CamelSerializer):
    """Why a terminal is ended."""

    message = serializers.CharField(max_length=1000, help_text="One sentence; the owner reads it.")


class LiveSessions(ListAPIView[TerminalSession]):
    """Every open terminal, the newest first. For administrators."""

    permission_classes = ADMINISTRATORS
    serializer_class = LiveSessionSerializer
    queryset = TerminalSession.objects.none()

    def get_queryset(self) -> QuerySet[TerminalSession]:
        return oversight.live_sessions()


@extend_schema(parameters=[SESSION_ID])
class EndLiveSession(APIView):
    """End somebody's terminal. For administrators."""

    permission_classes = ADMINISTRATORS

    @extend_schema(request=EndSerializer, responses={204: None})
    def post(self, request: Request, id: str) -> Response:  # noqa: A002
        """End it. The owner reads who ended it, and `message`."""
        session = pick(TerminalSession.objects.all(), id)
        body = EndSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        session_actions.end_session_as_administrator(actor(request), session, body.validated_data["message"])
        return Response(status=status.HTTP_204_NO_CONTENT)
