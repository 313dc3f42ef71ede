"""Collect the problems of a definition, each with its line and key. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

Path = tuple[str | int, ...]
# Listed at most. A file full of garbage must not make a page of megabytes.
MAX_PROBLEMS_LISTED = 100
# Searched for at most: each takes time to describe.
MAX_PROBLEMS_FOUND = 2000
MAX_QUOTED = 60


@dataclass(frozen=True)
class Problem:
    """One problem. `line` counts from 1 and is None when the whole file is meant; `key` may be empty."""

    line: int | None
    key: str
    message: str

    def __str__(self) -> str:
        """`line 12, members[1].core_type: there is no core type 'emerlad'; did you mean 'emerald'?`"""
        parts = [f"line {self.line}"] if self.line else []
        parts += [self.key] if self.key else []
        return f"{', '.join(parts)}: {self.message}" if parts else self.message


class DefinitionInvalid(Exception):
    """The definition has problems; `problems` holds all of them, in the order of their lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(map(str, self.problems)))


class TooManyProblems(Exception):
    """So many problems were found that reading stops."""


class Problems:
    """Collects problems, and knows the line of each key."""

    def __init__(self, lines: Mapping[Path, int]) -> None:
        self._lines = lines
        self._found: dict[Problem, None] = {}
        self._keys: set[str] = set()

    def add(self, path: Path, message: str) -> None:
        """Add a problem with this key; the same key and message count once. Raises TooManyProblems."""
        if len(self._found) >= MAX_PROBLEMS_FOUND:
            raise TooManyProblems
        problem = Problem(self.line_of(path), dotted_key(path), message)
        self._found[problem] = None
        self._keys.add(problem.key)

    def has(self, path: Path) -> bool:
        """Whether this key itself has a problem."""
        return dotted_key(path) in self._keys

    def line_of(self, path: Path) -> int | None:
        """Return the line of the key, or of the nearest table around it that is in the text."""
        while path:
            if path in self._lines:
                return self._lines[path]
            path = path[:-1]
        return None

    def __bool__(self) -> bool:
        """Whether there are any problems."""
        return bool(self._found)

    def sorted(self) -> list[Problem]:
        """Return the problems by line, those of the whole file first; at most MAX_PROBLEMS_LISTED."""
        found = sorted(self._found, key=lambda problem: (problem.line or 0, problem.key))
        if len(found) <= MAX_PROBLEMS_LISTED:
            return found
        count = f"{'at least ' if len(found) >= MAX_PROBLEMS_FOUND else ''}{len(found) - MAX_PROBLEMS_LISTED}"
        rest = Problem(None, "", f"There are {count} more problems; the first are listed.")
        return [*found[:MAX_PROBLEMS_LISTED], rest]


def dotted_key(path: Path) -> str:
    """`("members", 1, "core_type")` -> `members[1].core_type`; members are counted from 0."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if _is_bare(part) else quoted(part))
    return text


def quoted(value: object) -> str:
    """Return a value of the definition for use in a sentence: texts in quotes, printable, shortened."""
    if isinstance(value, bool):
        return str(value).lower()
    try:
        text = repr(value) if isinstance(value, str) else str(value)
    except ValueError:
        return "a number of thousands of digits"  # which Python refuses to format
    return text if len(text) <= MAX_QUOTED else f"{text[: MAX_QUOTED - 4]}...{text[-1]}"


def closest_choice(text: str, choices: Iterable[str]) -> str:
    """Return the choice that may have been meant; empty when none is similar."""
    found = get_close_matches(text.lower()[:MAX_QUOTED], list(choices), 1, 0.6)
    return found[0] if found else ""


def suggestion(text: str, choices: Iterable[str]) -> str:
    """Return `; did you mean 'emerald'?`, or the choices when none is similar, or `.` when there are none."""
    known = list(choices)
    if near := closest_choice(text, known):
        return f"; did you mean '{near}'?"
    return f". Choose one of: {', '.join(known)}." if known else "."


def _is_bare(part: str) -> bool:
    return (
        bool(part)
        and len(part) <= MAX_QUOTED
        and part.isascii()
        and part.replace("_", "").replace("-", "").isalnum()
    )
