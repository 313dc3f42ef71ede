"""/terminal-sessions/{id}/shares/ and watchers/: who else may be in a terminal, and who is in it."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.camel_case import CamelSerializer
from accounts.rest.requests import actor, person, pick
from accounts.users.administrators import is_administrator
from sshgateway.models import TerminalSession, TerminalShare
from sshgateway.sessions import sharing, visit_log

SESSION_ID = OpenApiParameter("id", str, OpenApiParameter.PATH)
SHARE_ID = OpenApiParameter("share_id", int, OpenApiParameter.PATH)


class ShareSerializer(CamelSerializer):
    """A person with whom a terminal is shared, to watch or to type too."""

    id = serializers.IntegerField()
    person = serializers.CharField(source="person.username", help_text="The name they sign in with.")
    may_type = serializers.BooleanField()
    shared_at = serializers.DateTimeField()


class NewShareSerializer(CamelSerializer):
    """A share to create."""

    person = serializers.CharField(max_length=150, help_text="The name they sign in with.")
    may_type = serializers.BooleanField(default=False)


class WatcherSerializer(CamelSerializer):
    """Somebody who is in somebody else's terminal now; one entry per window."""

    person = serializers.CharField(source="person.username")
    role = serializers.ChoiceField(["guest", "administrator"])
    may_type = serializers.BooleanField()
    since = serializers.DateTimeField(source="came_at")
    address = serializers.CharField(source="source_address")


class SharedTerminalSerializer(CamelSerializer):
    """A terminal that somebody shares with you. Its websocket takes your cookie or your token."""

    id = serializers.CharField(source="session.pk", help_text="The terminal session's.")
    owner = serializers.CharField(source="session.owner.username")
    label: Any = serializers.CharField(source="session.label")
    node = serializers.CharField(source="session.node")
    websocket_url = serializers.SerializerMethodField()
    may_type = serializers.BooleanField()
    shared_at = serializers.DateTimeField()
    opened_at = serializers.DateTimeField(source="session.opened_at")

    def get_websocket_url(self, share: TerminalShare) -> str:
        url: str = self.context["request"].build_absolute_uri(share.session.websocket_path)
        return "ws" + url.removeprefix("http")


def own_session(request: Request, session_id: str) -> TerminalSession:
    """Return a session of the person who asks. Raises NotFound."""
    return pick(TerminalSession.objects.filter(owner=person(request)), session_id)


@extend_schema(parameters=[SESSION_ID])
class SessionShares(APIView):
    """The people with whom a terminal of yours is shared."""

    @extend_schema(responses=ShareSerializer(many=True))
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """List the valid shares. An ended session has none."""
        return Response(ShareSerializer(sharing.shares(own_session(request, id)), many=True).data)

    @extend_schema(request=NewShareSerializer, responses={201: ShareSerializer, 200: ShareSerializer})
    def post(self, request: Request, id: str) -> Response:  # noqa: A002
        """Share with a person; doing so again changes what they may do, at once (200)."""
        session = own_session(request, id)
        body = NewShareSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked: dict[str, Any] = body.validated_data
        share, created = sharing.share_session(
            actor(request), session, asked["person"], may_type=asked["may_type"]
        )
        code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
        return Response(ShareSerializer(share).data, status=code)


@extend_schema(parameters=[SESSION_ID, SHARE_ID])
class OneShare(APIView):
    """One share."""

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: str, share_id: str) -> Response:  # noqa: A002
        """Revoke it: their windows close at once. Repeating this changes nothing."""
        shares = TerminalShare.objects.filter(session=own_session(request, id))
        sharing.revoke_share(actor(request), pick(shares, share_id, number=True))
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(parameters=[SESSION_ID])
class Watchers(APIView):
    """The people in a terminal besides its owner."""

    @extend_schema(responses=WatcherSerializer(many=True))
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """List who is in it now. For the terminal's owner, and for administrators."""
        user = person(request)
        sessions = TerminalSession.objects.all()
        if not is_administrator(user):
            sessions = sessions.filter(owner=user)
        return Response(WatcherSerializer(visit_log.open_visits(pick(sessions, id)), many=True).data)


class SharedWithMe(ListAPIView[TerminalShare]):
    """The terminals others share with you, the newest first."""

    serializer_class = SharedTerminalSerializer
    queryset = TerminalShare.objects.none()

    def get_queryset(self) -> QuerySet[TerminalShare]:
        return sharing.shared_with(person(self.request))
