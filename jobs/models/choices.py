"""Choices of a model field, from an enum whose values are stored."""

from enum import StrEnum


def titled_choices(words: type[StrEnum]) -> list[tuple[str, str]]:
    """Return (value, title) for each member, as `models.TextChoices` would: `("ssh", "Ssh")`."""
    return [(word.value, word.value.replace("_", " ").title()) for word in words]
