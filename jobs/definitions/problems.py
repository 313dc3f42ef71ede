"""What is wrong with a definition: sentences that name line and key. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

Path = tuple[str | int, ...]
# More do not help anybody; a file full of garbage must not make a page of megabytes.
MOST_PROBLEMS = 100
# Nor are more looked for: each takes time to be put in words.
MOST_FOUND = 2000
LONGEST_SHOWN = 60


@dataclass(frozen=True)
class Problem:
    """One thing to change. `line` counts from 1; None when it is about the whole file. `key` may be empty."""

    line: int | None
    key: str
    message: str

    def __str__(self) -> str:
        """`line 12, members[1].core_type: there is no core type 'emerlad'; did you mean 'emerald'?`"""
        places = [f"line {self.line}"] if self.line else []
        places += [self.key] if self.key else []
        return f"{', '.join(places)}: {self.message}" if places else self.message


class DefinitionInvalid(Exception):
    """A definition with problems: all of them, in the order of their lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(map(str, self.problems)))


class TooManyProblems(Exception):
    """So much is wrong that nothing more is looked at."""


class Problems:
    """Collects what is found; knows where each key stands."""

    def __init__(self, lines: Mapping[Path, int]) -> None:
        self._lines = lines
        self._found: dict[Problem, None] = {}
        self._keys: set[str] = set()

    def add(self, path: Path, message: str) -> None:
        """Something is wrong at this key; said once for each key and sentence. Raises TooManyProblems."""
        if len(self._found) >= MOST_FOUND:
            raise TooManyProblems
        problem = Problem(self.line_of(path), dotted(path), message)
        self._found[problem] = None
        self._keys.add(problem.key)

    def has(self, path: Path) -> bool:
        """Whether something was found at this key itself."""
        return dotted(path) in self._keys

    def line_of(self, path: Path) -> int | None:
        """The line of the key, or of the nearest table around it that was written down."""
        while path:
            if path in self._lines:
                return self._lines[path]
            path = path[:-1]
        return None

    def __bool__(self) -> bool:
        """Whether anything was found."""
        return bool(self._found)

    def sorted(self) -> list[Problem]:
        """All, by line, the ones about the whole file first; at most MOST_PROBLEMS."""
        found = sorted(self._found, key=lambda problem: (problem.line or 0, problem.key))
        if len(found) <= MOST_PROBLEMS:
            return found
        count = f"{'at least ' if len(found) >= MOST_FOUND else ''}{len(found) - MOST_PROBLEMS}"
        rest = Problem(None, "", f"There are {count} more problems; the first are listed.")
        return [*found[:MOST_PROBLEMS], rest]


def dotted(path: Path) -> str:
    """`("members", 1, "core_type")` -> `members[1].core_type`; members are counted from 0, as programs do."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if _is_bare(part) else shown(part))
    return text


def shown(value: object) -> str:
    """What a person wrote, in a sentence: a text in quotes, printable, not too long."""
    if isinstance(value, bool):
        return str(value).lower()
    try:
        text = repr(value) if isinstance(value, str) else str(value)
    except ValueError:
        return "a number of thousands of digits"  # which Python does not write out
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 4]}...{text[-1]}"


def nearest(word: str, choices: Iterable[str]) -> str:
    """The choice a person may have meant; empty when none is near."""
    found = get_close_matches(word.lower()[:LONGEST_SHOWN], list(choices), 1, 0.6)
    return found[0] if found else ""


def suggestion(word: str, choices: Iterable[str]) -> str:
    """`; did you mean 'emerald'?`, or the choices when none is near, or nothing when there are none."""
    known = list(choices)
    if near := nearest(word, known):
        return f"; did you mean '{near}'?"
    return f". Choose one of: {', '.join(known)}." if known else "."


def _is_bare(part: str) -> bool:
    return (
        bool(part)
        and len(part) <= LONGEST_SHOWN
        and part.isascii()
        and part.replace("_", "").replace("-", "").isalnum()
    )
