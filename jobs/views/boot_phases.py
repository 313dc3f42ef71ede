"""The boot phases of a node as the job page shows them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from jobs.context.boot_stream import PhaseRun, PhaseState, phases_of
from jobs.durations import short_duration_text
from jobs.node_contract.boot_lines import BootStreamLine
from jobs.node_contract.phases import Phase

PHASE_NAMES = {
    Phase.HOSTS: gettext_noop("Hosts"),
    Phase.PEERS: gettext_noop("Peers"),
    Phase.THIS_HOST: gettext_noop("This host"),
    Phase.DATA: gettext_noop("Data"),
    Phase.FINALIZE: gettext_noop("Finalize"),
}
STATE_NAMES = {
    PhaseState.AHEAD: gettext_noop("not yet"),
    PhaseState.RUNNING: gettext_noop("running"),
    PhaseState.WAITING: gettext_noop("waiting"),
    PhaseState.OK: gettext_noop("done"),
    PhaseState.ERROR: gettext_noop("failed"),
}
_UNDER_WAY = (PhaseState.RUNNING, PhaseState.WAITING)


@dataclass(frozen=True)
class PhaseCell:
    """One phase. `took` is empty until it has ended; `since` is set while it is under way."""

    name: str
    state: PhaseState
    state_name: str
    took: str
    since: datetime | None


def phase_cells(lines: Iterable[BootStreamLine]) -> list[PhaseCell]:
    """Return every phase, computed from the node's marked lines."""
    return [_cell(run) for run in phases_of(lines)]


def current_phase(cells: Iterable[PhaseCell]) -> PhaseCell | None:
    """Return the phase that the node is in or that failed; None before the first and after the last."""
    current = [cell for cell in cells if cell.state in (*_UNDER_WAY, PhaseState.ERROR)]
    return current[-1] if current else None


def _cell(run: PhaseRun) -> PhaseCell:
    return PhaseCell(
        name=_(PHASE_NAMES[run.phase]),
        state=run.state,
        state_name=_(STATE_NAMES[run.state]),
        took=short_duration_text(run.took) if run.took is not None else "",
        since=run.started_at if run.state in _UNDER_WAY else None,
    )
