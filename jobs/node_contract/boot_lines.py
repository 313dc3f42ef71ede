"""The lines of a node's boot stream: their fields, their limits, and how they are read.

A node numbers its lines itself and never uses a number twice. Numbers may be left out: a node that is booted again
continues at the next multiple of SEQUENCES_PER_BOOT. So lines may arrive in any order and more than once.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from jobs.node_contract.documents import InvalidDocument
from jobs.node_contract.phases import Phase

MAX_LINES_PER_REPORT = 1000  # also of a progress message
MAX_LINES_PER_NODE = 4000  # of one node
MAX_CHARACTERS_PER_NODE = 1024 * 1024  # of one node's lines together
MAX_TEXT_CHARACTERS = 16 * 1024
MAX_SEQUENCE = 10**9
SEQUENCES_PER_BOOT = 100_000
BAD_LINES = "bad_lines"
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class PhaseMark(StrEnum):
    """What a line means for its phase, besides its text."""

    NOTE = ""  # something happened or was printed
    START = "start"
    WAIT = "wait"  # what the phase needs of other nodes is not there yet
    OK = "ok"
    ERROR = "error"


@dataclass(frozen=True)
class BootStreamLine:
    """One line: the node's own number and clock, a phase (or an empty text outside of them), and its text."""

    sequence: int
    at: datetime
    phase: str
    mark: PhaseMark
    text: str

    def as_json(self) -> dict[str, Any]:
        """Return the object that `read_lines` reads."""
        return {
            "sequence": self.sequence,
            "at": self.at.astimezone(UTC).isoformat(),
            "phase": self.phase,
            "mark": self.mark.value,
            "text": self.text,
        }


def read_lines(value: object) -> list[BootStreamLine]:
    """Read the lines of one message. Raises InvalidDocument (`bad_lines`)."""
    if not isinstance(value, list) or len(value) > MAX_LINES_PER_REPORT:
        raise _bad(f"Lines are a list of at most {MAX_LINES_PER_REPORT} objects.")
    lines = [_read_line(each) for each in value]
    if len({line.sequence for line in lines}) != len(lines):
        raise _bad("Two lines of one message have the same sequence.")
    return lines


def _read_line(value: object) -> BootStreamLine:
    if not isinstance(value, Mapping):
        raise _bad("A line is an object.")
    sequence, phase, mark, text = (value.get(key) for key in ("sequence", "phase", "mark", "text"))
    if not isinstance(sequence, int) or isinstance(sequence, bool) or not 0 < sequence <= MAX_SEQUENCE:
        raise _bad(f"A line's sequence is a number from 1 to {MAX_SEQUENCE}.")
    if not isinstance(phase, str) or (phase and phase not in set(Phase)):
        raise _bad(f"A line's phase is empty or one of {', '.join(Phase)}.")
    if not isinstance(mark, str) or mark not in set(PhaseMark):
        raise _bad("A line's mark is empty, start, wait, ok or error.")
    if not isinstance(text, str) or len(text) > MAX_TEXT_CHARACTERS:
        raise _bad(f"A line's text has at most {MAX_TEXT_CHARACTERS} characters.")
    return BootStreamLine(sequence, _read_time(value.get("at")), phase, PhaseMark(mark), storable_text(text))


def _read_time(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(value).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        at = None
    if at is None or not 2000 <= at.year < 2200:
        raise _bad("A line's time is a date and time in ISO 8601 form.")
    return at


def storable_text(text: str) -> str:
    """Replace what databases cannot store: NUL characters and halves of surrogate pairs."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def split_text(text: str, longest: int) -> Iterator[str]:
    """Yield a text in pieces of at most `longest` characters; an empty text is one empty piece."""
    for start in range(0, max(len(text), 1), longest):
        yield text[start : start + longest]


def log_line(at: datetime, text: str, phase: str = "") -> str:
    """Return a line as the log of a boot shows it: UTC time in milliseconds, the phase if there is one, the text."""
    where = f"{phase}: " if phase else ""
    utc = at.astimezone(UTC)
    return f"[{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03}Z] {where}{text}"


def _bad(message: str) -> InvalidDocument:
    return InvalidDocument(BAD_LINES, message, "lines")
