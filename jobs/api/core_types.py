"""/coretypes/, /coretypes/{code}/ and /billing/computeprices/: the hardware to choose from, and its prices.

Administrators add, change and retire core types.
"""

from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.camel_case import CamelModelSerializer, CamelSerializer
from accounts.rest.fields import WholeNumberField
from accounts.rest.permissions import AdministratorsWrite
from accounts.rest.requests import actor, pick
from jobs.api.constant import ConstantField
from jobs.catalogue import core_types
from jobs.catalogue.drafts import CoreTypeDraft
from jobs.models import CoreType

# The only billing plan: what Rescale calls On Demand Priority.
PLAN = "INSTANT"


def price_text(price: Decimal) -> str:
    """Return a price as text without trailing zeros. Text, so that no binary rounding changes it."""
    return f"{price.normalize():f}"


class CoreTypeSerializer(CamelModelSerializer):
    """A kind of node; `price` is per core and hour."""

    cores = serializers.ListField(child=serializers.IntegerField())
    memory = serializers.IntegerField(source="memory_mb_per_core", help_text="MB per core.")
    storage = serializers.IntegerField(source="storage_gb", help_text="GB.")
    processor_info = serializers.CharField(source="processor")
    compute = serializers.CharField(source="processor")
    price = serializers.SerializerMethodField()
    low_priority_price = serializers.SerializerMethodField()
    is_deprecated = ConstantField(value=False)
    is_primary = ConstantField(value=True)
    io = ConstantField("")
    storage_io = ConstantField("")
    has_ssd = ConstantField(value=True)
    walltime_required = ConstantField(value=False)
    remote_viz_allowed = ConstantField(value=False)
    category_codes = ConstantField(["general"])
    gpu_counts = ConstantField([])

    class Meta:
        model = CoreType
        fields = [
            "code",
            "name",
            "description",
            "display_order",
            "is_active",
            "cores",
            "memory",
            "storage",
            "processor_info",
            "compute",
            "price",
            "low_priority_price",
            "currency",
            "ssh_port",
            "is_deprecated",
            "is_primary",
            "io",
            "storage_io",
            "has_ssd",
            "walltime_required",
            "remote_viz_allowed",
            "category_codes",
            "gpu_counts",
        ]

    def get_price(self, core_type: CoreType) -> str:
        return price_text(core_type.price_per_core_hour)

    def get_low_priority_price(self, core_type: CoreType) -> str:
        return price_text(core_type.price_per_core_hour)


class MoneySerializer(CamelSerializer):
    """An amount of money."""

    amount = serializers.CharField()
    currency = serializers.CharField()


class ComputePriceSerializer(CamelSerializer):
    """The price of a core type per core and hour."""

    core_type = serializers.CharField(source="code")
    plan_type = ConstantField(PLAN)
    plan_name = ConstantField("On Demand Priority")
    os = ConstantField("linux")
    is_active = serializers.BooleanField()
    value = serializers.SerializerMethodField("get_money")

    @extend_schema_field(MoneySerializer)
    def get_money(self, core_type: CoreType) -> dict[str, str]:
        return {"amount": price_text(core_type.price_per_core_hour), "currency": core_type.currency}


class CoreTypeBody(CamelSerializer):
    """A core type to offer. `memory` is in MB per core, `storage` in GB, `price` per core and hour.

    The currency is that of the rate card.
    """

    code = serializers.CharField(max_length=40)
    name = serializers.CharField(max_length=80)
    cores = serializers.ListField(child=WholeNumberField(), max_length=64, help_text="Ascending.")
    memory = WholeNumberField(source="memory_mb_per_core")
    price = serializers.DecimalField(source="price_per_core_hour", max_digits=8, decimal_places=4)
    description = serializers.CharField(required=False, allow_blank=True)
    processor_info = serializers.CharField(source="processor", required=False, allow_blank=True)
    storage = WholeNumberField(source="storage_gb", required=False)
    ssh_port = WholeNumberField(required=False)
    display_order = WholeNumberField(required=False)
    is_active = serializers.BooleanField(required=False)


class CoreTypePatch(CoreTypeBody):
    """What to change. The code stays."""

    def get_fields(self) -> dict[str, Any]:
        """Return the fields of a new core type without its code."""
        return {name: field for name, field in super().get_fields().items() if name != "code"}


CORE_TYPE_CODE = OpenApiParameter("code", str, OpenApiParameter.PATH, description="Such as `emerald`.")
IS_ACTIVE = OpenApiParameter("isActive", bool, description="`true`: only core types that can be ordered now.")


@extend_schema_view(get=extend_schema(parameters=[IS_ACTIVE]))
class CoreTypes(ListAPIView[CoreType]):
    """The hardware a job can run on, with the prices of the rate card."""

    permission_classes = [IsAuthenticated, AdministratorsWrite]
    serializer_class = CoreTypeSerializer
    queryset = CoreType.objects.none()

    def get_queryset(self) -> QuerySet[CoreType]:
        rows = CoreType.objects.all()
        wanted = self.request.query_params.get("isActive", "").lower()
        if wanted in ("true", "1"):
            return rows.filter(is_active=True)
        return rows.filter(is_active=False) if wanted in ("false", "0") else rows

    @extend_schema(request=CoreTypeBody, responses={201: CoreTypeSerializer})
    def post(self, request: Request) -> Response:
        """Offer another core type (administrators)."""
        body = CoreTypeBody(data=request.data)
        body.is_valid(raise_exception=True)
        row = core_types.add_core_type(actor(request), CoreTypeDraft(**body.validated_data))
        return Response(CoreTypeSerializer(row).data, status=status.HTTP_201_CREATED)


@extend_schema(parameters=[CORE_TYPE_CODE])
class OneCoreType(APIView):
    """One core type."""

    permission_classes = [IsAuthenticated, AdministratorsWrite]

    @extend_schema(responses=CoreTypeSerializer)
    def get(self, request: Request, code: str) -> Response:
        """Return the core type, also a retired one."""
        return Response(CoreTypeSerializer(pick(CoreType.objects.all(), code)).data)

    @extend_schema(request=CoreTypePatch, responses=CoreTypeSerializer)
    def patch(self, request: Request, code: str) -> Response:
        """Change the given fields (administrators). `isActive: false` retires it, `true` offers it again."""
        row = pick(CoreType.objects.all(), code)
        body = CoreTypePatch(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        changed = core_types.change_core_type(actor(request), row, body.validated_data)
        return Response(CoreTypeSerializer(changed).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, code: str) -> Response:
        """Retire the core type (administrators): new jobs cannot use it. Jobs that run are not affected."""
        core_types.retire_core_type(actor(request), pick(CoreType.objects.all(), code))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ComputePrices(APIView):
    """The price list: the rate card, as everybody may read it."""

    @extend_schema(responses=ComputePriceSerializer(many=True))
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return all prices as a list without pages."""
        return Response(ComputePriceSerializer(CoreType.objects.all(), many=True).data)
