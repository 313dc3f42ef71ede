"""Money in JSON: a decimal number as text, so that no binary rounding changes it; and the cost of a job."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.rest.camel_case import CamelSerializer
from jobs.costs.job_cost import Projection
from jobs.costs.money import rounded


@extend_schema_field({"type": "string", "format": "decimal", "example": "12.345600"})
class MoneyField(serializers.Field[Decimal, Any, str, Any]):
    """An amount, with six decimal places. Read only."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, **options)

    def to_representation(self, value: Decimal) -> str:
        """Return the amount as text."""
        return f"{rounded(value):f}"


class CostSerializer(CamelSerializer):
    """The cost of a job now."""

    currency = serializers.CharField()
    accrued = MoneyField(help_text="So far: each node to the second, at the price that held then.")
    rate_per_hour = MoneyField(help_text="What runs now, per hour; 0 when nothing does.")
    projected = MoneyField(
        help_text="At the deadline; before the command runs, at its walltime; after the end, what it cost."
    )
    projected_for = serializers.ChoiceField(
        list(Projection), help_text="Which of these `projected` is: walltime, deadline or end."
    )
