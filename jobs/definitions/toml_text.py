"""Decode and parse a definition: size, encoding and TOML syntax. Pure."""

import re
import tomllib
from dataclasses import dataclass
from typing import Any

from jobs.definitions.key_lines import MAX_DEPTH, KeyLines, locate_keys
from jobs.definitions.problems import DefinitionInvalid, Problem

MAX_DEFINITION_BYTES = 256 * 1024
_POSITION = re.compile(r"\s*\((?:at line (\d+), column (\d+)|at end of document)\)\Z")


@dataclass(frozen=True)
class Parsed:
    """The tables of the text, and the line of each key."""

    values: dict[str, Any]
    lines: KeyLines


def decode(sent: bytes) -> str:
    """Return the text of a file or a request body. Raises DefinitionInvalid."""
    if len(sent) > MAX_DEFINITION_BYTES:
        raise DefinitionInvalid([_too_long()])
    try:
        return sent.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = sent.count(b"\n", 0, error.start) + 1
        raise DefinitionInvalid(
            [Problem(line, "", "this is not text in UTF-8. Save the file as UTF-8 and send it again.")]
        ) from None


def parse(text: str) -> Parsed:
    """Parse a text. Raises DefinitionInvalid."""
    # JSON can contain half a surrogate pair, which plain UTF-8 cannot encode.
    if len(text.encode("utf-8", "surrogatepass")) > MAX_DEFINITION_BYTES:
        raise DefinitionInvalid([_too_long()])
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if not text.strip():
        raise DefinitionInvalid([Problem(None, "", "The definition is empty. Begin with a sample.")])
    if problem := _control_character(text):
        raise DefinitionInvalid([problem])
    lines = locate_keys(text)
    if lines.too_deep is not None:
        message = f"tables and lists are nested too deeply; at most {MAX_DEPTH} levels are read."
        raise DefinitionInvalid([Problem(lines.too_deep, "", message)])
    try:
        return Parsed(tomllib.loads(text), lines)
    except tomllib.TOMLDecodeError as error:
        raise DefinitionInvalid([_syntax_problem(str(error), text)]) from None
    except (ValueError, RecursionError) as error:
        # For example a number with more digits than Python parses.
        what = "a number has too many digits" if "digits" in str(error) else "it could not be read"
        raise DefinitionInvalid([Problem(None, "", f"This is not TOML: {what}.")]) from None


def _too_long() -> Problem:
    message = (
        f"The definition is longer than {MAX_DEFINITION_BYTES // 1024} kB, the most that is read. "
        "Large files belong among the input files."
    )
    return Problem(None, "", message)


def _control_character(text: str) -> Problem | None:
    for at, character in enumerate(text):
        if (ord(character) < 32 and character not in "\t\n") or 0xD800 <= ord(character) <= 0xDFFF:
            line = text.count("\n", 0, at) + 1
            what = "a NUL byte" if character == "\0" else f"the control character U+{ord(character):04X}"
            return Problem(line, "", f"there is {what} here; a definition is plain text.")
    return None


def _syntax_problem(message: str, text: str) -> Problem:
    """Return Python's message as a problem with its line."""
    position = _POSITION.search(message)
    what = _POSITION.sub("", message)
    what = what[:1].lower() + what[1:]
    line = int(position.group(1)) if position and position.group(1) else text.rstrip("\n").count("\n") + 1
    column = f" (column {position.group(2)})" if position and position.group(2) else ""
    return Problem(line, "", f"this is not TOML: {what}{column}.")
