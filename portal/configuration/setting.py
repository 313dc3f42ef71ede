"""What a setting is: one environment variable with its kind, default and meaning. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Values = Mapping[str, Any]


class WrongValue(Exception):
    """Raised for a text that a setting cannot have.

    `complaint` continues a sentence that begins with the setting ("is not a whole number"); `hint` is a sentence that
    says what to write instead. Neither repeats a secret.
    """

    def __init__(self, complaint: str, hint: str) -> None:
        super().__init__(complaint)
        self.complaint = complaint
        self.hint = hint


class Kind(Protocol):
    """A type of values, with its range or choices."""

    @property
    def described(self) -> str:
        """Return the values for people, such as `1 to 65535`."""
        ...

    def parse(self, text: str) -> Any:
        """Return the value that a text means. Raise WrongValue."""
        ...


@dataclass(frozen=True)
class Setting:
    """One environment variable.

    `default` is a value, or a function of the values of the settings declared before it; `default_shown` describes it
    in the documentation. An empty text counts as unset, unless `may_be_empty`. The value of a secret is never shown.
    """

    name: str
    kind: Kind
    default: Any
    meaning: str
    default_shown: str = ""
    is_secret: bool = False
    may_be_empty: bool = False

    def default_value(self, values: Values) -> Any:
        """Return the value of the setting when it is unset."""
        return self.default(values) if callable(self.default) else self.default

    def parse(self, text: str) -> Any:
        """Return the value. Raise WrongValue."""
        return self.kind.parse(text if self.is_secret else text.strip())

    def sentence(self, text: str, wrong: WrongValue) -> str:
        """Return the sentence about a wrong value, with its hint."""
        subject = self.name if self.is_secret else f"{self.name}={shown(text)}"
        return f"{subject} {wrong.complaint}. {wrong.hint}"


@dataclass(frozen=True)
class Group:
    """Settings that belong together, under one heading in the documentation."""

    title: str
    settings: tuple[Setting, ...]


@dataclass(frozen=True)
class Rule:
    """A condition on the values of several settings.

    `check` returns the sentence about what is wrong, or "". It is asked only if each of the named settings is right.
    """

    names: tuple[str, ...]
    check: Callable[[Values], str]


def no_values(values: Values) -> list[Any]:
    """Return the default of a list that is empty when it is unset."""
    return []


def shown(text: str, limit: int = 80) -> str:
    """Return a text for a one-line message: cut, and quoted if it has characters that a terminal would obey."""
    if len(text) > limit:
        text = text[:limit] + "..."
    return text if text.isprintable() and text else repr(text)
