"""From what somebody sent to TOML's tables: size, encoding and syntax. Pure."""

import re
import tomllib
from dataclasses import dataclass
from typing import Any

from jobs.definitions.lines import DEEPEST, Lines, locate
from jobs.definitions.problems import DefinitionInvalid, Problem

MOST_BYTES = 256 * 1024
_PLACE = re.compile(r"\s*\((?:at line (\d+), column (\d+)|at end of document)\)\Z")


@dataclass(frozen=True)
class Parsed:
    """TOML's tables, and where each key stands."""

    values: dict[str, Any]
    lines: Lines


def decode(sent: bytes) -> str:
    """The text of a file or a request's body. Raises DefinitionInvalid."""
    if len(sent) > MOST_BYTES:
        raise DefinitionInvalid([_too_long()])
    try:
        return sent.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = sent.count(b"\n", 0, error.start) + 1
        raise DefinitionInvalid(
            [Problem(line, "", "this is not text in UTF-8. Save the file as UTF-8 and send it again.")]
        ) from None


def parse(text: str) -> Parsed:
    """The tables of a text. Raises DefinitionInvalid."""
    # Encoded as a form would: half a surrogate pair, which JSON can bring, must not break us here.
    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise DefinitionInvalid([_too_long()])
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if not text.strip():
        raise DefinitionInvalid([Problem(None, "", "The definition is empty. Begin with a sample.")])
    if problem := _unreadable(text):
        raise DefinitionInvalid([problem])
    lines = locate(text)
    if lines.too_deep is not None:
        message = f"tables and lists are nested too deeply; at most {DEEPEST} levels are read."
        raise DefinitionInvalid([Problem(lines.too_deep, "", message)])
    try:
        return Parsed(tomllib.loads(text), lines)
    except tomllib.TOMLDecodeError as error:
        raise DefinitionInvalid([_syntax(str(error), text)]) from None
    except (ValueError, RecursionError) as error:
        # A number of more digits than Python reads.
        what = "a number has too many digits" if "digits" in str(error) else "it could not be read"
        raise DefinitionInvalid([Problem(None, "", f"This is not TOML: {what}.")]) from None


def _too_long() -> Problem:
    message = (
        f"The definition is longer than {MOST_BYTES // 1024} kB, the most that is read. "
        "Large files belong among the input files."
    )
    return Problem(None, "", message)


def _unreadable(text: str) -> Problem | None:
    for at, character in enumerate(text):
        if (ord(character) < 32 and character not in "\t\n") or 0xD800 <= ord(character) <= 0xDFFF:
            line = text.count("\n", 0, at) + 1
            what = "a NUL byte" if character == "\0" else f"the control character U+{ord(character):04X}"
            return Problem(line, "", f"there is {what} here; a definition is plain text.")
    return None


def _syntax(said: str, text: str) -> Problem:
    """Python's message with its place in front."""
    place = _PLACE.search(said)
    what = _PLACE.sub("", said)
    what = what[:1].lower() + what[1:]
    line = int(place.group(1)) if place and place.group(1) else text.rstrip("\n").count("\n") + 1
    column = f" (column {place.group(2)})" if place and place.group(2) else ""
    return Problem(line, "", f"this is not TOML: {what}{column}.")
