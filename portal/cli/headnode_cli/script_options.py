"""Read the `#HEADNODE` lines of a script: options for submit that travel with it. Pure."""

from __future__ import annotations

import re
import shlex

from .errors import CLIError

_LINE = re.compile(r"#HEADNODE(?:\s+(.*))?")
# A line may be anywhere before the first command, as batch systems have it.
_BEFORE_COMMANDS = re.compile(r"\s*(#.*)?")


def options_in(text: str) -> list[str]:
    """Return the words of the `#HEADNODE` lines. Raises CLIError for a line with a quotation mark too few."""
    words: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not _BEFORE_COMMANDS.fullmatch(line):
            break
        found = _LINE.fullmatch(line.strip())
        if found is None:
            continue
        try:
            words += shlex.split(found.group(1) or "", comments=True)
        except ValueError as error:
            raise CLIError(f"Line {number} of the script: {error}.") from None
    return words
