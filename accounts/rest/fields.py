"""Serializer fields for numbers that reject booleans, infinities and other surprises of JSON."""

import re
from typing import Any

from rest_framework import serializers

_DIGITS = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", re.ASCII)


class WholeNumberField(serializers.IntegerField):
    """A whole number, also as text or as 4.0, but not `true`."""

    default_error_messages = {"invalid": "A whole number is needed."}

    def to_internal_value(self, data: Any) -> int:
        """Return the number. Raises ValidationError for anything else."""
        if isinstance(data, int) and not isinstance(data, bool):
            return data
        if isinstance(data, float) and data.is_integer() and abs(data) < 1e15:
            return int(data)
        if isinstance(data, str) and _DIGITS.fullmatch(data.strip()):
            return int(data)
        raise serializers.ValidationError(self.error_messages["invalid"], code="invalid")


class NumberField(serializers.FloatField):
    """A finite number, also as text, but not `true` or infinity."""

    default_error_messages = {"invalid": "A number is needed."}

    def to_internal_value(self, data: Any) -> float:
        """Return the number. Raises ValidationError for anything else."""
        if isinstance(data, int | float) and not isinstance(data, bool) and abs(data) < 1e15:
            return float(data)
        if isinstance(data, str) and _DECIMAL.fullmatch(data.strip()):
            return float(data)
        raise serializers.ValidationError(self.error_messages["invalid"], code="invalid")
