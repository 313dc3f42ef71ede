"""Where each key of a TOML text stands. Pure.

Python's reader tells lines of what it cannot read, not of what it could. This one reads nothing: it walks over a text
that is known to be TOML and writes down the line of every key, header and list item.
"""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from jobs.definitions.problems import Path

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BASIC = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_LITERAL = re.compile(r"'[^'\n]*'")
_LONG_LITERAL = re.compile(r"'''.*?'''(?:'{0,2})", re.DOTALL)
_LONG_BASIC = re.compile(r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})', re.DOTALL)
_PLAIN = re.compile(r"[^,\]}#\n\r]+")


# Deeper than any definition. Python's reader takes time by the square of it, so nothing deeper gets there.
DEEPEST = 16


@dataclass(frozen=True)
class Lines:
    """The line (from 1) of every key, by its path; list items and `[[tables]]` are counted from 0.

    `too_deep` is the line where tables and lists are nested deeper than DEEPEST; the walk ends there.
    """

    of: Mapping[Path, int]
    too_deep: int | None = None


def locate(text: str) -> Lines:
    """Where the keys are; of a text that is no TOML, as far as it goes. Never raises."""
    walk = _Walk(text)
    try:
        walk.document()
    except _Lost:
        pass
    except _TooDeep:
        return Lines(walk.found, walk.line(walk.at))
    return Lines(walk.found)


class _Lost(Exception):
    """The text is not what was expected: it is no TOML."""


class _TooDeep(Exception):
    """Nobody writes this by hand."""


class _Walk:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Path, int] = {}
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._tables: dict[Path, int] = {}  # how many [[tables]] of this path there are so far

    def line(self, at: int) -> int:
        return bisect_right(self._newlines, at - 1) + 1

    def document(self) -> None:
        table: Path = ()
        while self._skip(_BLANK) < len(self.text):
            if self.text.startswith("[[", self.at):
                table = self._header(2)
            elif self.text.startswith("[", self.at):
                table = self._header(1)
            else:
                self._pair(table)

    def _header(self, brackets: int) -> Path:
        start = self.at
        self.at += brackets
        *parents, last = self._key()
        path: Path = ()
        for part in parents:
            path = self._inside((*path, part), start)
        path = (*path, last)
        self._note(path, start)
        if brackets == 2:
            self._tables[path] = self._tables.get(path, 0) + 1
        path = self._inside(path, start)
        self._take("]" * brackets)
        return path

    def _inside(self, path: Path, start: int) -> Path:
        """The table that a key in a header means: of several, the last."""
        if path in self._tables:
            path = (*path, self._tables[path] - 1)
        self._note(path, start)
        return path

    def _pair(self, table: Path) -> None:
        start = self.at
        path = table
        for part in self._key():
            path = (*path, part)
            self._note(path, start)
        self._take("=")
        self._value(path)

    def _key(self) -> list[str]:
        parts: list[str] = []
        while True:
            self._skip(_SPACE)
            quoted = self.text[self.at : self.at + 1] in ('"', "'")
            found = (_BASIC if self.text.startswith('"', self.at) else _LITERAL) if quoted else _BARE_KEY
            written = self._match(found)
            if len(parts) == DEEPEST:
                raise _TooDeep
            parts.append(_unquoted(written) if quoted else written)
            self._skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return parts
            self.at += 1

    def _value(self, path: Path) -> None:
        if len(path) > DEEPEST:
            raise _TooDeep
        self._skip(_SPACE)
        match self.text[self.at : self.at + 1]:
            case "[":
                self._list(path)
            case "{":
                self._inline_table(path)
            case '"':
                self._match(_LONG_BASIC if self.text.startswith('"""', self.at) else _BASIC)
            case "'":
                self._match(_LONG_LITERAL if self.text.startswith("'''", self.at) else _LITERAL)
            case _:
                self._match(_PLAIN)

    def _list(self, path: Path) -> None:
        self.at += 1
        number = 0
        while self._skip(_BLANK) < len(self.text) and self.text[self.at] != "]":
            if self.text[self.at] == ",":
                self.at += 1
                continue
            self._note((*path, number), self.at)
            self._value((*path, number))
            number += 1
        self._take("]")

    def _inline_table(self, path: Path) -> None:
        self.at += 1
        while self._skip(_BLANK) < len(self.text) and self.text[self.at] != "}":
            if self.text[self.at] == ",":
                self.at += 1
            else:
                self._pair(path)
        self._take("}")

    def _note(self, path: Path, start: int) -> None:
        self.found.setdefault(path, self.line(start))

    def _skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.at

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise _Lost
        self.at = found.end()
        return found.group()

    def _take(self, word: str) -> None:
        self._skip(_SPACE)
        if not self.text.startswith(word, self.at):
            raise _Lost
        self.at += len(word)


def _unquoted(written: str) -> str:
    """What a quoted key says."""
    try:
        return str(tomllib.loads(f"x={written}")["x"])
    except ValueError:
        raise _Lost from None
