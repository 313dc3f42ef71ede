"""/users/me/notifications/ and /users/me/notification-choices/: the inbox, and how the caller is told of each kind."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services
from accounts.models import Notification
from accounts.notifications import choices, inbox
from accounts.notifications.kinds import Channels, NotificationKind
from accounts.rest.camel_case import CamelModelSerializer, CamelSerializer
from accounts.rest.requests import actor, person, pick
from accounts.rest.schema import ROW_NUMBER

UNREAD = OpenApiParameter("unread", bool, description="true: only what is unread.")


class NotificationSerializer(CamelModelSerializer):
    """What the caller was told."""

    read = serializers.SerializerMethodField()
    facts = serializers.DictField(help_text="Ids, names and times, as webhooks get them.")

    class Meta:
        model = Notification
        fields = ["id", "kind", "title", "text", "link", "facts", "at", "read", "read_at"]

    def get_read(self, row: Notification) -> bool:
        return row.read_at is not None


class NotificationPatchSerializer(CamelSerializer):
    """Whether it is read."""

    read = serializers.BooleanField()


class ChannelsSerializer(CamelSerializer):
    """The ways of one kind."""

    page = serializers.BooleanField()
    mail = serializers.BooleanField()
    webhook = serializers.BooleanField()


class ChannelsPatchSerializer(CamelSerializer):
    """Changes to the ways of one kind. Those that are left out stay."""

    page = serializers.BooleanField(required=False)
    mail = serializers.BooleanField(required=False)
    webhook = serializers.BooleanField(required=False)


class ChoicesSerializer(serializers.Serializer[Any]):
    """The ways of every kind, by its word."""

    def get_fields(self) -> dict[str, Any]:
        """Return a field for each kind: the words stay as they are."""
        return {kind.value: ChannelsSerializer() for kind in NotificationKind}


class ChoicesPatchSerializer(serializers.Serializer[Any]):
    """Changes to the ways of some kinds."""

    def get_fields(self) -> dict[str, Any]:
        """Return a field for each kind."""
        return {kind.value: ChannelsPatchSerializer(required=False) for kind in NotificationKind}

    def to_internal_value(self, data: Any) -> Any:
        """Refuse kinds that there are not: a misspelt one would be taken for saved."""
        unknown = set(data) - {kind.value for kind in NotificationKind} if isinstance(data, dict) else set()
        if unknown:
            known = ", ".join(kind.value for kind in NotificationKind)
            raise serializers.ValidationError(
                {
                    str(name)[:100]: [f"There is no such kind. There are: {known}."]
                    for name in sorted(unknown, key=str)
                }
            )
        return super().to_internal_value(data)


class Notifications(ListAPIView[Notification]):
    """Your inbox, newest first."""

    serializer_class = NotificationSerializer
    queryset = Notification.objects.none()

    def get_queryset(self) -> QuerySet[Notification]:
        user = person(self.request)
        only_unread = self.request.query_params.get("unread", "").lower() in ("true", "1")
        return inbox.unread_of(user) if only_unread else inbox.inbox_of(user)

    @extend_schema(parameters=[UNREAD])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List what you were told."""
        return super().get(request, *args, **kwargs)


@extend_schema(parameters=[ROW_NUMBER])
class OneNotification(APIView):
    """One notification of your inbox."""

    def _row(self, request: Request, row_id: str) -> Notification:
        return pick(inbox.inbox_of(person(request)), row_id, number=True)

    @extend_schema(responses=NotificationSerializer)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """Get a notification. Reading it here does not mark it as read."""
        return Response(NotificationSerializer(self._row(request, id)).data)

    @extend_schema(request=NotificationPatchSerializer, responses=NotificationSerializer)
    def patch(self, request: Request, id: str) -> Response:  # noqa: A002
        """Mark it as read, or as unread again."""
        row = self._row(request, id)
        serializer = NotificationPatchSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        inbox.mark_read([row], serializer.validated_data["read"])
        row.refresh_from_db()
        return Response(NotificationSerializer(row).data)


class NotificationChoices(APIView):
    """How you are told of each kind of notification."""

    def _document(self, request: Request) -> dict[str, Any]:
        return {
            kind.value: vars(channels) for kind, channels in choices.all_channels(person(request)).items()
        }

    @extend_schema(responses=ChoicesSerializer)
    def get(self, request: Request) -> Response:
        """Get the ways of every kind."""
        return Response(self._document(request))

    @extend_schema(request=ChoicesPatchSerializer, responses=ChoicesSerializer)
    def put(self, request: Request) -> Response:
        """Change the ways of some kinds. Kinds and ways that are left out stay as they are."""
        serializer = ChoicesPatchSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        present = choices.all_channels(person(request))
        chosen = {
            kind: Channels(**{**vars(present[kind]), **serializer.validated_data[kind.value]})
            for kind in NotificationKind
            if kind.value in serializer.validated_data
        }
        services.change_notification_choices(actor(request), person(request), chosen)
        return Response(self._document(request))
