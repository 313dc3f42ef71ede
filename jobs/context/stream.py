"""A node's boot stream: numbered lines, and what they say of its phases. Pure: no I/O, no Django.

A node numbers its lines itself; a number is never used twice, numbers may be left out (a rebooted node goes on at the
next round number). So lines may arrive in any order and any number of times and say the same in the end.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from accounts.refusals import Refused
from jobs.context.plan import Phase

MOST_LINES = 1000  # in one report
MOST_KEPT = 4000  # of one node
MOST_CHARACTERS = 1024 * 1024  # of one node's lines together: reports and pages read them all at once
LONGEST_TEXT = 16 * 1024
LARGEST_NUMBER = 10**9
BAD = "bad_lines"
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")


class Mark(StrEnum):
    """What a line says of its phase, besides its text."""

    NOTE = ""  # something happened or was printed
    START = "start"
    WAIT = "wait"  # what it needs of others is not there yet
    OK = "ok"
    ERROR = "error"


@dataclass(frozen=True)
class Line:
    """One line of the stream: the node's own number and clock."""

    sequence: int
    at: datetime
    phase: str  # a Phase, or empty outside of them
    mark: Mark
    text: str


@dataclass(frozen=True)
class PhaseRun:
    """How far a phase is on one node: `ahead`, `running`, `waiting`, `ok` or `error`."""

    phase: Phase
    state: str = "ahead"
    started_at: datetime | None = None
    ended_at: datetime | None = None
    said: str = ""

    @property
    def took(self) -> timedelta | None:
        """How long it took, by the node's own clock; None while it lasts."""
        if self.started_at is None or self.ended_at is None:
            return None
        return max(timedelta(), self.ended_at - self.started_at)


def read_lines(said: object) -> list[Line]:
    """The lines of a report. Raises Refused (`bad_lines`); nothing half-read goes further."""
    if not isinstance(said, list) or len(said) > MOST_LINES:
        raise Refused(BAD, f"Lines are a list of at most {MOST_LINES} objects.", field="lines")
    lines = [_line(one) for one in said]
    if len({line.sequence for line in lines}) != len(lines):
        raise Refused(BAD, "Two lines of one report have the same sequence.", field="lines")
    return lines


def phases_of(lines: Iterable[Line]) -> list[PhaseRun]:
    """Every phase in its order, as the lines tell it. The order in which the lines came does not matter."""
    runs = {phase: PhaseRun(phase) for phase in Phase}
    for line in sorted(lines, key=lambda line: line.sequence):
        if line.phase:
            phase = Phase(line.phase)
            runs[phase] = _after(runs[phase], line)
    return list(runs.values())


def _after(run: PhaseRun, line: Line) -> PhaseRun:
    match line.mark:
        case Mark.START:
            # Again, after a reboot in the middle of it: what came before does not count.
            return PhaseRun(run.phase, "running", line.at, None, line.text)
        case Mark.WAIT:
            return PhaseRun(run.phase, "waiting", run.started_at or line.at, None, line.text)
        case Mark.OK | Mark.ERROR:
            return PhaseRun(run.phase, line.mark.value, run.started_at or line.at, line.at, line.text)
    return run


def _line(said: object) -> Line:
    if not isinstance(said, Mapping):
        raise Refused(BAD, "A line is an object.", field="lines")
    sequence, phase, mark, text = (said.get(key) for key in ("sequence", "phase", "mark", "text"))
    if not isinstance(sequence, int) or isinstance(sequence, bool) or not 0 < sequence <= LARGEST_NUMBER:
        raise Refused(BAD, f"The sequence of a line is a number from 1 to {LARGEST_NUMBER}.", field="lines")
    if not isinstance(phase, str) or (phase and phase not in set(Phase)):
        raise Refused(BAD, f"The phase of a line is empty or one of {', '.join(Phase)}.", field="lines")
    if not isinstance(mark, str) or mark not in set(Mark):
        raise Refused(BAD, "The mark of a line is empty, start, wait, ok or error.", field="lines")
    if not isinstance(text, str) or len(text) > LONGEST_TEXT:
        raise Refused(BAD, f"The text of a line has at most {LONGEST_TEXT} characters.", field="lines")
    return Line(sequence, _moment(said.get("at")), phase, Mark(mark), writable(text))


def writable(text: str) -> str:
    """The text without what no database keeps: NUL characters and halves of surrogate pairs."""
    return _UNWRITABLE.sub("\ufffd", text)


def _moment(said: Any) -> datetime:
    try:
        at = datetime.fromisoformat(said).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        at = None
    if at is None or not 2000 <= at.year < 2200:
        raise Refused(BAD, "The time of a line is a date and time in ISO 8601 form.", field="lines")
    return at
