"""Make text from elsewhere safe to print, and fit it. Pure."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

# Colours (SGR) may stay on a terminal; whatever else a program sends to one may not come from a log.
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;:?<=>!]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")
_SGR = re.compile(r"\x1b\[[0-9;:]*m\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]|\x1b(?!\[[0-9;:]*m)")


def printable(text: str, *, colours: bool = False) -> str:
    """Return the text without what could steer a terminal; `colours` keeps colours.

    Bytes of a file name that are no text (lone surrogates) become question marks.
    """
    text = text.encode("utf-8", "replace").decode("utf-8")
    if colours:
        kept = _ESCAPES.sub(lambda found: found.group() if _SGR.match(found.group()) else "", text)
    else:
        kept = _ESCAPES.sub("", text).replace("\x1b", "")
    return _CONTROL.sub("", kept)


def json_text(document: Any, encoding: str | None, indent: int | None = None) -> str:
    """Return a document as JSON. What the encoding cannot write is escaped, so that it stays JSON and says the same."""
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    try:
        text.encode(encoding or "ascii")
    except UnicodeEncodeError:
        return json.dumps(document, indent=indent)
    return text


def width(text: str) -> int:
    """Return how many columns a text takes on a terminal."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def cut(text: str, columns: int) -> str:
    """Return the text, shortened with an ellipsis if it is wider than this."""
    if width(text) <= columns:
        return text
    kept = ""
    for letter in text:
        if width(kept + letter) > columns - 1:
            break
        kept += letter
    return f"{kept}\N{HORIZONTAL ELLIPSIS}" if columns > 0 else ""


def table(header: list[str], rows: list[list[str]], columns: int | None) -> list[str]:
    """Return the lines of a table that fits into so many columns: the widest column gives way. None: any width."""
    cells = [header, *[[printable(cell).replace("\n", " ") for cell in row] for row in rows]]
    widths = [max(width(row[index]) for row in cells) for index in range(len(header))]
    if columns is not None:
        gaps = 2 * (len(widths) - 1)
        while sum(widths) + gaps > columns and max(widths) > 6:
            widths[widths.index(max(widths))] -= 1
    lines = []
    for row in cells:
        parts = [cut(cell, size) for cell, size in zip(row, widths)]
        padded = [part + " " * (size - width(part)) for part, size in zip(parts, widths)]
        lines.append("  ".join(padded).rstrip())
    return lines
