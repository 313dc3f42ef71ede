"""Pieces that a job has when it is read and when it is written."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string"},
            {"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"]},
        ],
        "description": 'A code; in v3 `{"code": ...}`. Both are accepted everywhere.',
        "example": "emerald",
    }
)
class CoreTypeCodeField(serializers.CharField):
    """`"emerald"` in v2, `{"code": "emerald"}` in v3."""

    def to_internal_value(self, data: Any) -> str:
        """The code out of either form."""
        if isinstance(data, dict):
            data = data.get("code")
            if not isinstance(data, str):
                raise serializers.ValidationError("Give the core type's code.")
        return super().to_internal_value(data)

    def to_representation(self, value: Any) -> Any:
        """As the version of the path has it."""
        return {"code": str(value)} if self.context.get("v3") else str(value)


class LooseBooleanField(serializers.BooleanField):
    """A boolean that may be null, which says nothing."""

    def __init__(self) -> None:
        super().__init__(required=False, allow_null=True)
