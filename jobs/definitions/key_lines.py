"""Find the line of every key of a TOML text. Pure.

Python's parser tells the line of a syntax error, but not the line of a valid key. This walk parses no values: it goes
over the text and notes the line of every key, header and list item.
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

# Deeper than any definition. Python's parser takes time that grows with the square of the depth.
MAX_DEPTH = 16


@dataclass(frozen=True)
class KeyLines:
    """The line (from 1) of every key, by its path. List items and `[[tables]]` are counted from 0.

    `too_deep` is the line where tables and lists are nested deeper than MAX_DEPTH; the walk ends there.
    """

    by_path: Mapping[Path, int]
    too_deep: int | None = None


def locate_keys(text: str) -> KeyLines:
    """Return the lines of the keys; for a text that is not TOML, those before the error. Never raises."""
    walk = _KeyWalk(text)
    try:
        walk.document()
    except _NotToml:
        pass
    except _TooDeep:
        return KeyLines(walk.found, walk.line(walk.position))
    return KeyLines(walk.found)


class _NotToml(Exception):
    """The text is not valid TOML here."""


class _TooDeep(Exception):
    """Tables and lists are nested too deeply."""


class _KeyWalk:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.found: dict[Path, int] = {}
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._tables: dict[Path, int] = {}  # number of [[tables]] of this path so far

    def line(self, at: int) -> int:
        return bisect_right(self._newlines, at - 1) + 1

    def document(self) -> None:
        table: Path = ()
        while self._skip(_BLANK) < len(self.text):
            if self.text.startswith("[[", self.position):
                table = self._header(2)
            elif self.text.startswith("[", self.position):
                table = self._header(1)
            else:
                self._key_and_value(table)

    def _header(self, brackets: int) -> Path:
        start = self.position
        self.position += brackets
        *parents, last = self._key()
        path: Path = ()
        for part in parents:
            path = self._last_table((*path, part), start)
        path = (*path, last)
        self._note(path, start)
        if brackets == 2:
            self._tables[path] = self._tables.get(path, 0) + 1
        path = self._last_table(path, start)
        self._expect("]" * brackets)
        return path

    def _last_table(self, path: Path, start: int) -> Path:
        """Return the table that a key in a header refers to: of several, the last."""
        if path in self._tables:
            path = (*path, self._tables[path] - 1)
        self._note(path, start)
        return path

    def _key_and_value(self, table: Path) -> None:
        start = self.position
        path = table
        for part in self._key():
            path = (*path, part)
            self._note(path, start)
        self._expect("=")
        self._value(path)

    def _key(self) -> list[str]:
        parts: list[str] = []
        while True:
            self._skip(_SPACE)
            quoted = self.text[self.position : self.position + 1] in ('"', "'")
            found = (
                (_BASIC if self.text.startswith('"', self.position) else _LITERAL) if quoted else _BARE_KEY
            )
            written = self._match(found)
            if len(parts) == MAX_DEPTH:
                raise _TooDeep
            parts.append(_unquoted(written) if quoted else written)
            self._skip(_SPACE)
            if not self.text.startswith(".", self.position):
                return parts
            self.position += 1

    def _value(self, path: Path) -> None:
        if len(path) > MAX_DEPTH:
            raise _TooDeep
        self._skip(_SPACE)
        match self.text[self.position : self.position + 1]:
            case "[":
                self._list(path)
            case "{":
                self._inline_table(path)
            case '"':
                self._match(_LONG_BASIC if self.text.startswith('"""', self.position) else _BASIC)
            case "'":
                self._match(_LONG_LITERAL if self.text.startswith("'''", self.position) else _LITERAL)
            case _:
                self._match(_PLAIN)

    def _list(self, path: Path) -> None:
        self.position += 1
        number = 0
        while self._skip(_BLANK) < len(self.text) and self.text[self.position] != "]":
            if self.text[self.position] == ",":
                self.position += 1
                continue
            self._note((*path, number), self.position)
            self._value((*path, number))
            number += 1
        self._expect("]")

    def _inline_table(self, path: Path) -> None:
        self.position += 1
        while self._skip(_BLANK) < len(self.text) and self.text[self.position] != "}":
            if self.text[self.position] == ",":
                self.position += 1
            else:
                self._key_and_value(path)
        self._expect("}")

    def _note(self, path: Path, start: int) -> None:
        self.found.setdefault(path, self.line(start))

    def _skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self.text, self.position)
        self.position = found.end() if found else self.position
        return self.position

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.position)
        if found is None:
            raise _NotToml
        self.position = found.end()
        return found.group()

    def _expect(self, token: str) -> None:
        self._skip(_SPACE)
        if not self.text.startswith(token, self.position):
            raise _NotToml
        self.position += len(token)


def _unquoted(written: str) -> str:
    """Return the text of a quoted key."""
    try:
        return str(tomllib.loads(f"x={written}")["x"])
    except ValueError:
        raise _NotToml from None
