"""Kinds of setting values, each with its parser: switches, numbers, choices, texts, secrets, lists, paths, classes."""

import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.configuration.setting import Kind, WrongValue, shown

ON = ("1", "true", "yes", "on", "y")
OFF = ("0", "false", "no", "off", "n")
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True)
class Switch:
    """On or off."""

    described: str = "1 or 0"

    def parse(self, text: str) -> bool:
        """Return whether it is on."""
        if text.lower() in ON:
            return True
        if text.lower() in OFF:
            return False
        raise WrongValue("is neither on nor off", "Write 1 for on or 0 for off.")


@dataclass(frozen=True)
class Number:
    """A whole number in a range, both ends included."""

    least: int
    most: int
    example: int | None = None

    @property
    def described(self) -> str:
        """Return the range."""
        return f"{self.least} to {self.most}"

    def parse(self, text: str) -> int:
        """Return the number."""
        if _NUMBER.fullmatch(text) and self.least <= int(text) <= self.most:
            return int(text)
        example = f", for example {self.example}" if self.example is not None else ""
        raise WrongValue(
            f"is not a whole number from {self.least} to {self.most}",
            f"Write a number of this range{example}.",
        )


@dataclass(frozen=True)
class Choice:
    """One of some words."""

    choices: Sequence[str]
    ignores_case: bool = False

    @property
    def described(self) -> str:
        """Return the words."""
        return ", ".join(self.choices)

    def parse(self, text: str) -> str:
        """Return the word as it is declared."""
        for choice in self.choices:
            if text == choice or (self.ignores_case and text.lower() == choice.lower()):
                return choice
        raise WrongValue("is not one of the possible values", f"Choose from {self.described}.")


@dataclass(frozen=True)
class Text:
    """A text that a pattern matches as a whole. `complaint` and `hint` are for one that it does not match."""

    described: str = "text"
    pattern: str = r".+"
    complaint: str = "is not a text"
    hint: str = "Write a text in one line."

    def parse(self, text: str) -> str:
        """Return the text."""
        if not re.fullmatch(self.pattern, text, re.ASCII):
            raise WrongValue(self.complaint, self.hint)
        return text


@dataclass(frozen=True)
class Secret:
    """A text that is long enough not to be guessed. Never shown."""

    least_characters: int
    hint: str

    @property
    def described(self) -> str:
        """Return the shortest length."""
        return f"at least {self.least_characters} characters" if self.least_characters > 1 else "text"

    def parse(self, text: str) -> str:
        """Return the text, spaces included."""
        if len(text) < self.least_characters:
            raise WrongValue(f"is shorter than {self.least_characters} characters", self.hint)
        return text


@dataclass(frozen=True)
class ListOf:
    """Values separated by commas. Spaces around them and empty ones are ignored."""

    kind: Kind
    plural: str
    example: str
    shows_items: bool = True

    @property
    def described(self) -> str:
        """Return what is listed."""
        return f"{self.plural}, separated by commas"

    def parse(self, text: str) -> list[Any]:
        """Return the values."""
        return [self._item(part.strip()) for part in text.split(",") if part.strip()]

    def _item(self, part: str) -> Any:
        try:
            return self.kind.parse(part)
        except WrongValue as wrong:
            subject = f"holds {shown(part)}, which" if self.shows_items else "holds a value that"
            example = f" Example: {self.example}." if self.example else ""
            raise WrongValue(f"{subject} {wrong.complaint}", f"{wrong.hint}{example}") from None


@dataclass(frozen=True)
class Folder:
    """A path of a folder or a file. `~` is the home folder; a relative path begins at the current folder."""

    described: str = "path"

    def parse(self, text: str) -> Path:
        """Return the absolute path."""
        if any(ord(letter) < 32 or 0xD800 <= ord(letter) < 0xE000 for letter in text):
            raise WrongValue("has control characters, or bytes that are not UTF-8", "Choose another path.")
        try:
            return Path(text).expanduser().absolute()
        except RuntimeError:
            raise WrongValue(
                "begins with the home folder of a user who does not exist", "Write the whole path."
            ) from None


@dataclass(frozen=True)
class ImportedClass:
    """The dotted name of a Python class that can be imported."""

    example: str
    described: str = "dotted name of a Python class"

    def parse(self, text: str) -> str:
        """Return the name, after importing the class."""
        module_name, _, class_name = text.rpartition(".")
        hint = f"Write the dotted name of an installed class, for example {self.example}."
        if not all(part.isidentifier() for part in text.split(".")) or not module_name:
            raise WrongValue("is not the dotted name of a class", hint)
        try:
            module = importlib.import_module(module_name)
        except ImportError as error:
            raise WrongValue(f"cannot be imported ({error})", hint) from None
        except Exception as error:  # noqa: BLE001 (a module may raise anything)
            if type(error).__name__ == "ImproperlyConfigured":  # it needs Django's settings, which come later
                return text
            raise WrongValue(f"cannot be imported ({type(error).__name__}: {error})", hint) from None
        if not isinstance(getattr(module, class_name, None), type):
            raise WrongValue(f"cannot be used, because {module_name} has no class {class_name}", hint)
        return text
