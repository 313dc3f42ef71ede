"""Read the `[scripts]` of a definition or of one member: a text for each phase. Pure."""

from jobs.context.context_plan import MAX_SCRIPT_BYTES
from jobs.definitions import plan_checks
from jobs.definitions.table import Table
from jobs.node_contract.phases import Phase

PHASES = tuple(phase.value for phase in Phase)


def read_scripts(parent: Table) -> dict[Phase, str]:
    """Return the scripts in this table's `scripts`, in the order of the phases."""
    table = parent.table("scripts", PHASES)
    if table is None:
        return {}
    found: dict[Phase, str] = {}
    for phase in Phase:
        text = table.text(phase, max_bytes=MAX_SCRIPT_BYTES, lines=True)
        if text is None:
            continue
        text = text.replace("\r\n", "\n")
        if refused := plan_checks.member_refusal(scripts={phase.value: text}):
            table.bad(phase, refused)
        else:
            found[phase] = text
    return found
