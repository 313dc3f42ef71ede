"""/users/me/webhooks/: add, change, test and remove webhooks; their deliveries, and sending one again."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services
from accounts.models import Webhook, WebhookAttempt, WebhookDelivery
from accounts.notifications.kinds import NotificationKind
from accounts.notifications.webhook_outbox import TEST_TYPE
from accounts.rest.camel_case import CamelModelSerializer, CamelSerializer
from accounts.rest.requests import actor, person, pick
from accounts.rest.schema import ROW_NUMBER

LAST = 20
DELIVERY_NUMBER = OpenApiParameter("delivery_id", int, OpenApiParameter.PATH)
KINDS_HELP = (
    f"The kinds it gets; empty: every kind. One of {', '.join(kind.value for kind in NotificationKind)}."
)


class AttemptSerializer(CamelModelSerializer):
    """One try: the HTTP status and the beginning of the answer, or why there was none."""

    class Meta:
        model = WebhookAttempt
        fields = ["at", "status", "answer", "error", "milliseconds"]


class DeliverySerializer(CamelModelSerializer):
    """One message to a webhook, with its tries, the newest first. `nextTryAt` is null once it is over."""

    kind = serializers.SerializerMethodField()
    next_try_at = serializers.DateTimeField(source="due_at", allow_null=True)
    tries = AttemptSerializer(many=True)

    class Meta:
        model = WebhookDelivery
        fields = ["id", "message_id", "kind", "created_at", "delivered_at", "next_try_at", "tries"]

    def get_kind(self, row: WebhookDelivery) -> str:
        return row.notification.kind if row.notification else TEST_TYPE


class WebhookSerializer(CamelModelSerializer):
    """A webhook. `switchedOffAt` is set if the portal stopped sending because it kept failing."""

    kinds = serializers.ListField(child=serializers.CharField(), help_text=KINDS_HELP)
    last_deliveries = serializers.SerializerMethodField()

    class Meta:
        model = Webhook
        fields = [
            "id",
            "url",
            "kinds",
            "enabled",
            "added_at",
            "failing_since",
            "switched_off_at",
            "last_deliveries",
        ]

    @extend_schema_field(DeliverySerializer(many=True))
    def get_last_deliveries(self, hook: Webhook) -> Any:
        return DeliverySerializer(_deliveries(hook)[:LAST], many=True).data


class NewWebhookSerializer(CamelSerializer):
    """A webhook to add."""

    url = serializers.CharField(allow_blank=True)
    kinds = serializers.ListField(
        child=serializers.CharField(), required=False, default=list, max_length=100, help_text=KINDS_HELP
    )


class WebhookPatchSerializer(CamelSerializer):
    """Changes to a webhook. Fields that are left out keep their values."""

    url = serializers.CharField(required=False, allow_blank=True)
    kinds = serializers.ListField(child=serializers.CharField(), required=False, max_length=100)
    enabled = serializers.BooleanField(required=False)


class AddedWebhookSerializer(WebhookSerializer):
    """A webhook just added. `secret` is what its signatures are checked with; it cannot be read again."""

    secret = serializers.CharField()

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]


def _deliveries(hook: Webhook) -> QuerySet[WebhookDelivery]:
    return hook.deliveries.select_related("notification").prefetch_related("tries")


class Webhooks(ListAPIView[Webhook]):
    """Your webhooks."""

    serializer_class = WebhookSerializer
    queryset = Webhook.objects.none()

    def get_queryset(self) -> QuerySet[Webhook]:
        return Webhook.objects.filter(owner=person(self.request))

    @extend_schema(
        request=NewWebhookSerializer,
        responses={201: OpenApiResponse(AddedWebhookSerializer, "Added. The secret is shown once.")},
    )
    def post(self, request: Request) -> Response:
        """Add a webhook. Your notifications are posted to it, signed by the Standard Webhooks scheme."""
        serializer = NewWebhookSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        hook, secret = services.add_webhook(actor(request), person(request), **serializer.validated_data)
        return Response({**WebhookSerializer(hook).data, "secret": secret}, status=status.HTTP_201_CREATED)


@extend_schema(parameters=[ROW_NUMBER])
class OneWebhook(APIView):
    """One of your webhooks."""

    @extend_schema(responses=WebhookSerializer)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """Get a webhook with its last deliveries."""
        return Response(WebhookSerializer(_hook(request, id)).data)

    @extend_schema(request=WebhookPatchSerializer, responses=WebhookSerializer)
    def patch(self, request: Request, id: str) -> Response:  # noqa: A002
        """Change the address or the kinds, or switch it on or off."""
        hook = _hook(request, id)
        serializer = WebhookPatchSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        hook = services.change_webhook(actor(request), hook, **serializer.validated_data)
        return Response(WebhookSerializer(hook).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: str) -> Response:  # noqa: A002
        """Delete the webhook with its deliveries."""
        services.remove_webhook(actor(request), _hook(request, id))
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(parameters=[ROW_NUMBER])
class WebhookTest(APIView):
    """A test message to one of your webhooks."""

    @extend_schema(request=None, responses={202: DeliverySerializer})
    def post(self, request: Request, id: str) -> Response:  # noqa: A002
        """Send a test. Its answer is in the webhook's deliveries a moment later."""
        delivery = services.send_webhook_test(_hook(request, id))
        return Response(DeliverySerializer(delivery).data, status=status.HTTP_202_ACCEPTED)


@extend_schema(parameters=[ROW_NUMBER, DELIVERY_NUMBER])
class WebhookSendAgain(APIView):
    """One delivery, once more."""

    @extend_schema(request=None, responses={202: DeliverySerializer})
    def post(self, request: Request, id: str, delivery_id: str) -> Response:  # noqa: A002
        """Send a delivery again now, under the same id, whether or not it was accepted."""
        delivery = pick(_deliveries(_hook(request, id)).select_related("webhook"), delivery_id, number=True)
        return Response(
            DeliverySerializer(services.send_delivery_again(delivery)).data, status=status.HTTP_202_ACCEPTED
        )


def _hook(request: Request, webhook_id: str) -> Webhook:
    return pick(Webhook.objects.filter(owner=person(request)), webhook_id, number=True)
