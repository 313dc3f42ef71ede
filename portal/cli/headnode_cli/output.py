"""Print: JSON as the API has it, tables that fit the terminal, facts, and colours where they are wanted."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from . import runtime
from .plain_text import json_text, printable, table

BOLD, RED, GREEN, YELLOW, DIM = "1", "31", "32", "33", "2"


def wants_colour(stream: Any = None) -> bool:
    """Whether a stream shows colours: a terminal, and nobody said NO_COLOR."""
    stream = sys.stdout if stream is None else stream
    return bool(stream.isatty()) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def coloured(text: str, colour: str, stream: Any = None) -> str:
    """Return the text in a colour, where colours are shown."""
    return f"\x1b[{colour}m{text}\x1b[0m" if text and wants_colour(stream) else text


def show_json(document: Any) -> None:
    """Print a document of the API as it came."""
    print(json_text(document, sys.stdout.encoding, indent=2))


def show_exactly(text: str) -> None:
    """Print what was asked for, one on a line: to a pipe as it is, to a terminal without what could steer it."""
    print(printable(text) if sys.stdout.isatty() else text)


def show_table(header: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """Print a table, or the sentence for an empty one. A pipe gets every cell whole."""
    if not rows:
        note(empty)
        return
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    texts = [["-" if cell in (None, "") else str(cell) for cell in row] for row in rows]
    first, *lines = table(list(header), texts, columns)
    print(coloured(first, BOLD))
    for line in lines:
        print(line)


def show_facts(facts: Sequence[tuple[str, object]]) -> None:
    """Print names and values, one per line, without those that have no value."""
    known = [(name, value) for name, value in facts if value not in (None, "")]
    size = max((len(name) for name, _ in known), default=0) + 2
    for name, value in known:
        print(f"{coloured(name.ljust(size), DIM)}{printable(str(value))}")


def say(text: str) -> None:
    """Print a line for people; not with --quiet or --json."""
    if not (runtime.choices.quiet or runtime.choices.as_json):
        print(printable(text))


def note(text: str) -> None:
    """Print a remark on standard error; not with --quiet."""
    if not runtime.choices.quiet:
        print(printable(text), file=sys.stderr)


def warn(text: str) -> None:
    """Print a warning on standard error, always."""
    print(coloured(f"headnode: {printable(text)}", YELLOW, sys.stderr), file=sys.stderr)
