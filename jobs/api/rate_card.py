"""/rate-card/: the prices of core types, for administrators."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.camel_case import CamelSerializer
from accounts.rest.permissions import IsAdministrator
from accounts.rest.requests import actor
from jobs.api.core_types import price_text
from jobs.costs import rate_card
from jobs.costs.price_history import is_simulated, portal_currency
from jobs.models import CoreType


class RateCardSerializer(CamelSerializer):
    """The rate card."""

    simulated = serializers.BooleanField(help_text="Whether the prices are made up.")
    currency = serializers.CharField()
    prices = serializers.DictField(
        child=serializers.CharField(), help_text="Per core and hour, by the code of the core type."
    )


class RateCardBody(CamelSerializer):
    """What to change. What is left out, and core types that are not named, stay as they are."""

    simulated = serializers.BooleanField(required=False)
    currency = serializers.CharField(required=False)
    prices = serializers.DictField(
        child=serializers.DecimalField(max_digits=20, decimal_places=10), required=False
    )


def _document() -> dict[str, Any]:
    prices = CoreType.objects.values_list("pk", "price_per_core_hour")
    return {
        "simulated": is_simulated(),
        "currency": portal_currency(),
        "prices": {code: price_text(price) for code, price in prices},
    }


class RateCard(APIView):
    """The prices of core types, per core and hour. For administrators."""

    permission_classes = [IsAuthenticated, IsAdministrator]

    @extend_schema(responses=RateCardSerializer)
    def get(self, request: Request) -> Response:
        """Return the prices that hold now."""
        return Response(RateCardSerializer(_document()).data)

    @extend_schema(request=RateCardBody, responses=RateCardSerializer)
    def put(self, request: Request) -> Response:
        """Set prices. They count from now on; what was charged before stays as it is."""
        body = RateCardBody(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        rate_card.change_rate_card(
            actor(request),
            prices=asked.get("prices"),
            currency=asked.get("currency"),
            simulated=asked.get("simulated"),
        )
        return Response(RateCardSerializer(_document()).data)
