"""What a node says of its activity: the counters of one look at it. Pure.

A provider's node need not do anything for it: the portal logs in as it does for everything else and runs a program of
its own (`jobs.remote.activity_program`), which reads what any Linux has. A node is not trusted: whatever it says gives
a report of bounded size, and the report is used for nothing but the idle limit of its own cluster.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MAX_ROWS = 200
MAX_KEY = 60
MAX_PROGRAM = 40
LARGEST = 2.0**53


class SessionKind(StrEnum):
    """What an SSH session without a terminal does."""

    PROGRAM = "program"  # a program runs in it
    TRANSFER = "transfer"  # it copies files: sftp, scp, rsync
    SHELL = "shell"  # a shell waits for what it is told


@dataclass(frozen=True)
class TerminalReport:
    """A terminal: seconds since somebody typed, and the program it waits for; empty at a prompt."""

    idle_seconds: float
    program: str = ""


@dataclass(frozen=True)
class SessionReport:
    """An SSH session without a terminal, and a counter that grows while bytes move."""

    key: str
    kind: SessionKind
    program: str = ""
    counter: float = 0


@dataclass(frozen=True)
class ActivityReport:
    """One look at a node. `clock` and `processor` are seconds since some moment of the node's own."""

    clock: float
    processor: float
    terminals: tuple[TerminalReport, ...] = ()
    sessions: tuple[SessionReport, ...] = ()
    tunnels: tuple[tuple[str, float], ...] = ()


def parse_activity(answer: Mapping[str, Any]) -> ActivityReport | None:
    """Return the report in an answer; None if it is none. Rows that are malformed, or too many, are left out."""
    clock, processor = _number(answer.get("clock")), _number(answer.get("processor"))
    if answer.get("state") != "measured" or clock is None or processor is None:
        return None
    return ActivityReport(
        clock,
        processor,
        tuple(
            TerminalReport(idle, _text(row[1], MAX_PROGRAM))
            for row in _rows(answer.get("terminals"), 2)
            if (idle := _number(row[0])) is not None
        ),
        tuple(
            SessionReport(_text(row[0], MAX_KEY), SessionKind(row[1]), _text(row[2], MAX_PROGRAM), counter)
            for row in _rows(answer.get("sessions"), 4)
            if row[1] in list(SessionKind) and (counter := _number(row[3])) is not None
        ),
        tuple(
            (_text(row[0], MAX_KEY), count)
            for row in _rows(answer.get("tunnels"), 2)
            if (count := _number(row[1])) is not None
        ),
    )


def _rows(value: object, width: int) -> list[list[Any]]:
    rows = value[:MAX_ROWS] if isinstance(value, list) else []
    return [row for row in rows if isinstance(row, list) and len(row) == width]


def _number(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return float(value) if 0 <= value <= LARGEST else None


def _text(value: object, length: int) -> str:
    text = value if isinstance(value, str) else ""
    return "".join(character if character.isprintable() else "?" for character in text[:length])
