"""Check the JSON values that nodes and the portal exchange.

Every function returns the checked value or raises InvalidDocument; nothing half-read goes further.
"""

from collections.abc import Mapping
from typing import Any

MAX_ITEMS = 256
MAX_SINGLE_LINES, LONGEST_SINGLE_LINE = 4096, 20_000


class InvalidDocument(ValueError):
    """A document that cannot be used: a stable `reason` for programs, a `message` for people, the `field` if known."""

    def __init__(self, reason: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.reason, self.message, self.field = reason, message, field


def require_object(value: Any, name: str, most: int | None = None) -> Mapping[str, Any]:
    """Return the value if it is a JSON object with at most `most` keys."""
    if not isinstance(value, Mapping) or (most is not None and len(value) > most):
        raise InvalidDocument("invalid_" + name, f"The {name} must be a JSON object.")
    return value


def require_list(value: Any, name: str, most: int = MAX_ITEMS) -> list[Any]:
    """Return the value if it is a list of at most `most` items."""
    if not isinstance(value, list) or len(value) > most:
        raise InvalidDocument("invalid_" + name, f"{name!r} must be a list of at most {most}.")
    return value


def require_printable(document: Mapping[str, Any], name: str, longest: int) -> str:
    """Return a field that holds 1 to `longest` printable characters."""
    value = document.get(name)
    if not isinstance(value, str) or not value or len(value) > longest or not value.isprintable():
        raise InvalidDocument(
            "invalid_" + name, f"{name!r} must be a text of 1 to {longest} printable characters."
        )
    return value


def require_number(
    document: Mapping[str, Any], name: str, least: float, most: float, whole: bool = True
) -> float:
    """Return a field that holds a number from `least` to `most`; an integer if `whole`."""
    value = document.get(name)
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
        raise InvalidDocument("invalid_" + name, f"{name!r} must be a number from {least:g} to {most:g}.")
    return value


def read_single_lines(
    document: Mapping[str, Any], name: str, longest: int = LONGEST_SINGLE_LINE
) -> tuple[str, ...]:
    """Return a field that holds a list of texts without line breaks; empty if the field is missing."""
    value = document.get(name, [])
    if not isinstance(value, list) or len(value) > MAX_SINGLE_LINES:
        raise InvalidDocument(
            "invalid_" + name, f"{name!r} must be a list of at most {MAX_SINGLE_LINES} texts."
        )
    for line in value:
        if not isinstance(line, str) or len(line) > longest or "\n" in line or "\r" in line or "\0" in line:
            raise InvalidDocument("invalid_" + name, f"Each of {name!r} must be one line of text.")
    return tuple(value)
