"""/users/me/access-rules/: list, add, change and delete access rules."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services, source_address
from accounts.api.serializers import (
    AccessRulePatchSerializer,
    AccessRuleSerializer,
    NewAccessRuleSerializer,
    SavedAccessRuleSerializer,
)
from accounts.models import AccessRule
from accounts.rest.requests import actor, person, pick
from accounts.rest.schema import ROW_NUMBER

SOURCE_ADDRESS = OpenApiParameter(
    "X-Source-Address",
    str,
    OpenApiParameter.HEADER,
    description="The address you come from, as it is checked against the rules.",
    response=[200],
)


class AccessRules(ListAPIView[AccessRule]):
    """The addresses from which you can connect to your clusters."""

    serializer_class = AccessRuleSerializer
    queryset = AccessRule.objects.none()

    def get_queryset(self) -> QuerySet[AccessRule]:
        return AccessRule.objects.filter(owner=person(self.request))

    @extend_schema(parameters=[SOURCE_ADDRESS])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List your rules. The header `X-Source-Address` has the address you come from."""
        response = super().get(request, *args, **kwargs)
        response["X-Source-Address"] = source_address.source_address_of(request._request)
        return response

    @extend_schema(
        request=NewAccessRuleSerializer,
        responses={201: OpenApiResponse(SavedAccessRuleSerializer, "Saved. Applies within seconds.")},
    )
    def post(self, request: Request) -> Response:
        """Save a rule: an address or a block such as `192.0.2.0/24`, `2001:db8::/32`, `0.0.0.0/0`."""
        serializer = NewAccessRuleSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        rule, notice = services.add_access_rule(
            actor(request),
            person(request),
            serializer.validated_data["cidr"],
            serializer.validated_data["note"],
            serializer.validated_data["expires_at"],
        )
        return Response({**AccessRuleSerializer(rule).data, "notice": notice}, status=status.HTTP_201_CREATED)


@extend_schema(parameters=[ROW_NUMBER])
class OneAccessRule(APIView):
    """One of your access rules."""

    def _rule(self, request: Request, rule_id: str) -> AccessRule:
        return pick(AccessRule.objects.filter(owner=person(request)), rule_id, number=True)

    @extend_schema(responses=AccessRuleSerializer)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """Get a rule."""
        return Response(AccessRuleSerializer(self._rule(request, id)).data)

    @extend_schema(request=AccessRulePatchSerializer, responses=AccessRuleSerializer)
    def patch(self, request: Request, id: str) -> Response:  # noqa: A002
        """Change when the rule expires. The block itself cannot be changed: add another rule."""
        rule = self._rule(request, id)
        serializer = AccessRulePatchSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        if "expires_at" in serializer.validated_data:
            services.set_rule_expiry(actor(request), rule, serializer.validated_data["expires_at"])
        return Response(AccessRuleSerializer(rule).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: str) -> Response:  # noqa: A002
        """Delete the rule. Connections that only it allowed end within seconds."""
        services.remove_access_rule(actor(request), self._rule(request, id))
        return Response(status=status.HTTP_204_NO_CONTENT)
