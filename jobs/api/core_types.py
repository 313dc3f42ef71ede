"""/coretypes/ and /billing/computeprices/: the hardware to choose from, and its prices."""

from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.camel_case import CamelModelSerializer, CamelSerializer
from jobs.api.constant import ConstantField
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


IS_ACTIVE = OpenApiParameter("isActive", bool, description="`true`: only core types that can be ordered now.")


@extend_schema_view(get=extend_schema(parameters=[IS_ACTIVE]))
class CoreTypes(ListAPIView[CoreType]):
    """The hardware a job can run on. Prices are simulated."""

    serializer_class = CoreTypeSerializer
    queryset = CoreType.objects.none()

    def get_queryset(self) -> QuerySet[CoreType]:
        rows = CoreType.objects.all()
        wanted = self.request.query_params.get("isActive", "").lower()
        if wanted in ("true", "1"):
            return rows.filter(is_active=True)
        return rows.filter(is_active=False) if wanted in ("false", "0") else rows


class ComputePrices(APIView):
    """The price list. Prices are simulated."""

    @extend_schema(responses=ComputePriceSerializer(many=True))
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return all prices as a list without pages."""
        return Response(ComputePriceSerializer(CoreType.objects.all(), many=True).data)
