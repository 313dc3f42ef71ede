"""Serializers that speak camelCase outside and snake_case inside."""

from typing import Any

from rest_framework import serializers

from accounts.rest.errors import camel_case


class CamelCase:
    """Put before a serializer class: a field declared `added_at` is `addedAt` in JSON."""

    def get_fields(self) -> dict[str, Any]:
        """The fields by their outside names."""
        fields: dict[str, Any] = super().get_fields()  # type: ignore[misc]
        return {camel_case(name): self._renamed(name, field) for name, field in fields.items()}

    @staticmethod
    def _renamed(name: str, field: Any) -> Any:
        if camel_case(name) != name:
            if isinstance(field, serializers.SerializerMethodField):
                field.method_name = field.method_name or f"get_{name}"
            elif field.source is None:
                field.source = name
        return field


class CamelSerializer(CamelCase, serializers.Serializer[Any]):
    """A serializer of anything."""


class CamelModelSerializer(CamelCase, serializers.ModelSerializer[Any]):
    """A serializer of rows. For reading only: rows are written by verbs."""
