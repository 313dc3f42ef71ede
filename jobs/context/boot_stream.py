"""Compute the state of a node's phases from the lines of its boot stream. Pure: no I/O, no Django.

Lines may arrive in any order and more than once; because the node numbers them, the result is the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from jobs.node_contract.boot_lines import BootStreamLine, PhaseMark
from jobs.node_contract.phases import Phase


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


def phases_of(lines: Iterable[BootStreamLine]) -> list[PhaseRun]:
    """Return the state of every phase, in order."""
    runs = {phase: PhaseRun(phase) for phase in Phase}
    for line in sorted(lines, key=lambda line: line.sequence):
        if line.phase:
            phase = Phase(line.phase)
            runs[phase] = _after(runs[phase], line)
    return list(runs.values())


def _after(run: PhaseRun, line: BootStreamLine) -> PhaseRun:
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
