"""Parse a node's boot stream and compute the state of its phases. Pure: no I/O, no Django.

The node numbers its lines. It never uses a number twice and may skip numbers (a rebooted node continues at the next
round number). So lines may arrive in any order and more than once, and the result is the same.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from accounts.refusals import Refused
from jobs.context.context_plan import Phase
from jobs.context.node_refusals import NodeRefusal

MAX_LINES_PER_REPORT = 1000
MAX_LINES_PER_NODE = 4000
MAX_CHARACTERS_PER_NODE = 1024 * 1024  # all lines together: reports and pages read them at once
MAX_TEXT_CHARACTERS = 16 * 1024
MAX_SEQUENCE = 10**9
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class PhaseMark(StrEnum):
    """What a line reports about its phase, besides its text."""

    NOTE = ""  # an event, or output of a script
    START = "start"
    WAIT = "wait"  # a member that it requires has not registered yet
    OK = "ok"
    ERROR = "error"


@dataclass(frozen=True)
class Line:
    """One line of the stream. `sequence` and `at` are the node's own number and clock."""

    sequence: int
    at: datetime
    phase: str  # a Phase, or empty outside of them
    mark: PhaseMark
    text: str


class PhaseState(StrEnum):
    """How far a phase is on one node."""

    AHEAD = "ahead"
    RUNNING = "running"
    WAITING = "waiting"
    OK = "ok"
    ERROR = "error"


@dataclass(frozen=True)
class PhaseRun:
    """One phase on one node. `detail` is the text of its last marked line."""

    phase: Phase
    state: PhaseState = PhaseState.AHEAD
    started_at: datetime | None = None
    ended_at: datetime | None = None
    detail: str = ""

    @property
    def took(self) -> timedelta | None:
        """How long it took by the node's clock; None until it has ended."""
        if self.started_at is None or self.ended_at is None:
            return None
        return max(timedelta(), self.ended_at - self.started_at)


def read_lines(document: object) -> list[Line]:
    """Parse the lines of a request. Raises Refused (`bad_lines`, 400) unless all of them are valid."""
    if not isinstance(document, list) or len(document) > MAX_LINES_PER_REPORT:
        raise _bad(f"Lines are a list of at most {MAX_LINES_PER_REPORT} objects.")
    lines = [_line(entry) for entry in document]
    if len({line.sequence for line in lines}) != len(lines):
        raise _bad("Two lines of one report have the same sequence.")
    return lines


def phases_of(lines: Iterable[Line]) -> list[PhaseRun]:
    """Return the state of every phase, in order. The order of the lines does not matter: they are numbered."""
    runs = {phase: PhaseRun(phase) for phase in Phase}
    for line in sorted(lines, key=lambda line: line.sequence):
        if line.phase:
            phase = Phase(line.phase)
            runs[phase] = _after(runs[phase], line)
    return list(runs.values())


def _after(run: PhaseRun, line: Line) -> PhaseRun:
    match line.mark:
        case PhaseMark.START:
            # The phase starts again after a reboot: its earlier lines no longer count.
            return PhaseRun(run.phase, PhaseState.RUNNING, line.at, None, line.text)
        case PhaseMark.WAIT:
            return PhaseRun(run.phase, PhaseState.WAITING, run.started_at or line.at, None, line.text)
        case PhaseMark.OK | PhaseMark.ERROR:
            return PhaseRun(
                run.phase, PhaseState(line.mark.value), run.started_at or line.at, line.at, line.text
            )
    return run


def _line(entry: object) -> Line:
    if not isinstance(entry, Mapping):
        raise _bad("A line is an object.")
    sequence, phase, mark, text = (entry.get(key) for key in ("sequence", "phase", "mark", "text"))
    if not isinstance(sequence, int) or isinstance(sequence, bool) or not 0 < sequence <= MAX_SEQUENCE:
        raise _bad(f"The sequence of a line is a number from 1 to {MAX_SEQUENCE}.")
    if not isinstance(phase, str) or (phase and phase not in set(Phase)):
        raise _bad(f"The phase of a line is empty or one of {', '.join(Phase)}.")
    if not isinstance(mark, str) or mark not in set(PhaseMark):
        raise _bad("The mark of a line is empty, start, wait, ok or error.")
    if not isinstance(text, str) or len(text) > MAX_TEXT_CHARACTERS:
        raise _bad(f"The text of a line has at most {MAX_TEXT_CHARACTERS} characters.")
    return Line(sequence, _time(entry.get("at")), phase, PhaseMark(mark), storable_text(text))


def storable_text(text: str) -> str:
    """Replace what the database cannot store: NUL characters and halves of surrogate pairs."""
    return _UNSTORABLE.sub("\ufffd", text)


def _time(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(value).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        at = None
    if at is None or not 2000 <= at.year < 2200:
        raise _bad("The time of a line is a date and time in ISO 8601 form.")
    return at


def _bad(sentence: str) -> Refused:
    return NodeRefusal.BAD_LINES.refused(sentence, field="lines")
