"""Choose and write the lines of a job's log. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .errors import WrongUsage
from .plain_text import json_text, printable
from .times import read_time

PROGRAM = "program"
LEVEL_COLOURS = {"warning": "33", "error": "31"}


def pattern_of(text: str | None) -> re.Pattern[str] | None:
    """Return the pattern to search for. Raises WrongUsage."""
    if text is None:
        return None
    try:
        return re.compile(text)
    except re.error as error:
        raise WrongUsage(f"--grep {text!r} is no regular expression: {error}.") from None


@dataclass(frozen=True)
class LineChoice:
    """Which lines to print: newer than a moment, with a pattern, of a node; `raw` is the program's own output only."""

    since: datetime | None = None
    grep: re.Pattern[str] | None = None
    node: str | None = None
    raw: bool = False

    def wants(self, event: dict[str, Any]) -> bool:
        """Whether the line is chosen."""
        if self.raw and event["source"] != PROGRAM:
            return False
        if self.node is not None and event["node"] != self.node:
            return False
        if self.since is not None and read_time(event["time"]) < self.since:
            return False
        return self.grep is None or self.grep.search(event["message"]) is not None


@dataclass(frozen=True)
class LineStyle:
    """How to write lines. A pipe gets UTC times and no colours, a terminal local times."""

    raw: bool = False
    as_json: bool = False
    terminal: bool = False
    colours: bool = False
    encoding: str | None = "utf-8"

    def line(self, event: dict[str, Any]) -> str:
        """Return the line."""
        if self.as_json:
            return json_text(event, self.encoding)
        if self.raw:
            return str(event["message"])
        message = printable(event["message"], colours=self.colours)
        where = event["node"] or event["source"]
        if not self.terminal:
            return f"{event['time'][:19]}Z {where}: {message}"
        clock = f"{read_time(event['time']).astimezone():%H:%M:%S}"
        if not self.colours:
            return f"{clock} {where}: {message}"
        colour = LEVEL_COLOURS.get(event["level"])
        text = (
            f"\x1b[{colour}m{message}\x1b[0m"
            if colour
            else f"{message}\x1b[0m"
            if "\x1b" in message
            else message
        )
        return f"\x1b[2m{clock} {where}:\x1b[0m {text}"
