"""A field with a constant value, for fields of Rescale's objects that programs expect and that mean nothing here."""

import copy
from typing import Any

from drf_spectacular.drainage import set_override
from rest_framework import serializers

_SCHEMAS: dict[type, dict[str, Any]] = {
    type(None): {"nullable": True},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    str: {"type": "string"},
    list: {"type": "array", "items": {}},
    dict: {"type": "object", "additionalProperties": {}},
}


class ConstantField(serializers.Field[Any, Any, Any, Any]):
    """A read-only field with always the same value."""

    def __init__(self, value: Any) -> None:
        super().__init__(source="*", read_only=True)
        self.value = value
        set_override(self, "field", {**_SCHEMAS[type(value)], "description": "Always the same here."})

    def to_representation(self, value: Any) -> Any:
        """Return a copy of the constant."""
        return copy.copy(self.value)
