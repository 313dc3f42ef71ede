"""Money in JSON: a decimal number as text, so that no binary rounding changes it."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs.costs.money import rounded


@extend_schema_field({"type": "string", "format": "decimal", "example": "12.345600"})
class MoneyField(serializers.Field[Decimal, Any, str, Any]):
    """An amount, with six decimal places. Read only."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, **options)

    def to_representation(self, value: Decimal) -> str:
        """Return the amount as text."""
        return f"{rounded(value):f}"
