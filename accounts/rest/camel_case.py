"""Serializers with snake_case fields in Python and camelCase names in JSON."""

from typing import Any

from rest_framework import serializers

from accounts.rest.errors import camel_case


class CamelCase:
    """Mix into a serializer: a field declared `added_at` is `addedAt` in JSON."""

    def get_fields(self) -> dict[str, Any]:
        """Return the fields by their names in JSON."""
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
    """A serializer with camelCase names."""


class CamelModelSerializer(CamelCase, serializers.ModelSerializer[Any]):
    """A model serializer with camelCase names. For output only: services save models."""
