"""Store the lines of a node's boot stream, each once, up to a limit per node."""

from collections.abc import Sequence

from django.db.models import Count, Sum
from django.db.models.functions import Length

from jobs.context.node_refusals import NodeRefusal
from jobs.models import BootLine, Node
from jobs.node_contract.boot_lines import (
    MAX_CHARACTERS_PER_NODE,
    MAX_LINES_PER_NODE,
    BootStreamLine,
    PhaseMark,
)


def line_of_row(row: BootLine) -> BootStreamLine:
    """Return the line that a row stores."""
    return BootStreamLine(row.sequence, row.at, row.phase, PhaseMark(row.mark), row.text)


def new_lines(node: Node, lines: Sequence[BootStreamLine]) -> list[BootStreamLine]:
    """Return the lines that are not stored yet. Raises Refused (`line_differs`) if a stored one has other content."""
    if not lines:
        return []
    rows = node.boot_lines.filter(sequence__in=[line.sequence for line in lines])
    stored = {row.sequence: line_of_row(row) for row in rows}
    for line in lines:
        if line.sequence in stored and stored[line.sequence] != line:
            raise NodeRefusal.LINE_DIFFERS.refused(
                f"Line {line.sequence} was sent before with other content.", field="lines"
            )
    return [line for line in lines if line.sequence not in stored]


def save_lines(node: Node, lines: Sequence[BootStreamLine]) -> None:
    """Store new lines. Raises Refused (`too_many_lines`, 413) when the node would exceed its limit."""
    if not lines:
        return
    stored = node.boot_lines.aggregate(lines=Count("pk"), characters=Sum(Length("text"), default=0))
    characters = stored["characters"] + sum(len(line.text) for line in lines)
    if stored["lines"] + len(lines) > MAX_LINES_PER_NODE or characters > MAX_CHARACTERS_PER_NODE:
        raise NodeRefusal.TOO_MANY_LINES.refused(
            f"A node's boot stream has at most {MAX_LINES_PER_NODE} lines and {MAX_CHARACTERS_PER_NODE} characters."
        )
    BootLine.objects.bulk_create(
        BootLine(
            node=node, sequence=line.sequence, at=line.at, phase=line.phase, mark=line.mark, text=line.text
        )
        for line in lines
    )
    node.heard = max(node.heard, *(line.sequence for line in lines))
    node.save(update_fields=["heard"])
