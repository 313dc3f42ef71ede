"""The `[scripts]` of a definition or of one member: a text for each phase. Pure."""

from jobs.context.plan import LONGEST_SCRIPT, Phase
from jobs.definitions import plan_checks
from jobs.definitions.table import Table

PHASES = tuple(phase.value for phase in Phase)


def read(around: Table) -> dict[Phase, str]:
    """The scripts in the table `scripts` within this one, in the phases' order."""
    table = around.table("scripts", PHASES)
    if table is None:
        return {}
    found: dict[Phase, str] = {}
    for phase in Phase:
        text = table.text(phase, most_bytes=LONGEST_SCRIPT, lines=True)
        if text is None:
            continue
        text = text.replace("\r\n", "\n")
        if refused := plan_checks.of_member(scripts={phase.value: text}):
            table.bad(phase, refused)
        else:
            found[phase] = text
    return found
