"""`cost`: what jobs have cost, cost per hour, and will have cost."""

from decimal import Decimal, InvalidOperation
from typing import Any, Optional

import typer

from .. import completions, runtime
from ..job_refs import path_of
from ..output import note, show_facts, show_json, show_table
from ..times import local, until

# Of what has ended there is nothing to project.
PROJECTIONS = {"deadline": "At the deadline", "walltime": "At its walltime"}


def cost(
    job: Optional[str] = typer.Argument(
        None, metavar="[JOB]", help="A job; without one, all that run.", autocompletion=completions.jobs
    ),
) -> None:
    """Show what a job has cost, or what runs and costs now."""
    portal = runtime.portal()
    if job is None:
        _show_running([(row, portal.get(f"jobs/{row['id']}/cost/")) for row in portal.pages("jobs/", t="1")])
        return
    found = portal.get(f"{path_of(portal, job)}cost/")
    if runtime.choices.as_json:
        show_json(found)
    elif runtime.choices.quiet:
        print(found["accrued"])
    else:
        show_facts(
            [
                ("Until now", _money(found, "accrued")),
                ("Per hour", _money(found, "ratePerHour")),
                (
                    PROJECTIONS.get(_projected_for(found), ""),
                    _money(found, "projected") if _projected_for(found) in PROJECTIONS else "",
                ),
                (
                    "Deadline",
                    f"{local(found['deadline'])} (in {until(found['deadline'])})"
                    if found["deadline"]
                    else "",
                ),
            ]
        )
        if found.get("simulated"):
            note("The prices are simulated: nobody is billed.")


def _show_running(costs: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    if runtime.choices.as_json:
        show_json([{"job": row["id"], **found} for row, found in costs])
        return
    rows = [
        [
            row["id"],
            row["name"],
            _money(found, "accrued"),
            _money(found, "ratePerHour"),
            _money(found, "projected"),
            local(found["deadline"]),
        ]
        for row, found in costs
    ]
    show_table(["JOB", "NAME", "UNTIL NOW", "PER HOUR", "PROJECTED", "DEADLINE"], rows, "Nothing runs.")


def _projected_for(cost: dict[str, Any]) -> str:
    """Return what the projection is that of. A portal of an older version does not say it."""
    return str(cost.get("projectedFor") or ("deadline" if cost["deadline"] else ""))


def _money(cost: dict[str, Any], field: str) -> str:
    """Return an amount to the cent; below ten cents to a hundredth of one."""
    try:
        amount = Decimal(str(cost[field]))
    except InvalidOperation:
        return ""
    places = 4 if 0 < amount < Decimal("0.1") else 2
    return f"{cost['currency']} {amount:.{places}f}"
