"""Fields that both the body of a job and its answer use."""

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
        """Return the code, from either form."""
        if isinstance(data, dict):
            data = data.get("code")
            if not isinstance(data, str):
                raise serializers.ValidationError("Give the core type's code.")
        return super().to_internal_value(data)

    def to_representation(self, value: Any) -> Any:
        """Return the form of the API version in the path."""
        return {"code": str(value)} if self.context.get("v3") else str(value)


class LooseBooleanField(serializers.BooleanField):
    """An optional boolean; null means the same as leaving it out."""

    def __init__(self) -> None:
        super().__init__(required=False, allow_null=True)


@extend_schema_field(
    {"type": "array", "items": {"type": "object", "properties": {}, "additionalProperties": True}}
)
class TextEntriesField(serializers.Field[Any, Any, Any, Any]):
    """A list of texts: each as such, or as an object with the text under one key. null is an empty list."""

    def __init__(self, key: str, **options: Any) -> None:
        super().__init__(allow_null=True, **options)
        self.key = key

    def to_internal_value(self, data: Any) -> tuple[str, ...]:
        """Return the texts. Raises ValidationError for anything else."""
        entries = data if isinstance(data, list) else None if data != "" else []
        if entries is None or len(entries) > 1000:
            raise serializers.ValidationError(f'Give a list: ["text"] or [{{"{self.key}": "text"}}].')
        found = [entry.get(self.key) if isinstance(entry, dict) else entry for entry in entries]
        texts = tuple(text for text in found if isinstance(text, str))
        if len(texts) < len(found):
            raise serializers.ValidationError(f'Each entry is a text or {{"{self.key}": "text"}}.')
        return texts

    def to_representation(self, value: Any) -> list[dict[str, str]]:
        """Return the texts as objects, as Rescale does."""
        return [{self.key: text} for text in value]
