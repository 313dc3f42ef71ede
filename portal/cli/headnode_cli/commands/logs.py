"""`logs`: a job's log, and what it says from now on."""

import sys
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any, Optional

import typer

from .. import runtime
from ..follow import Follower, exit_status
from ..job_refs import path_of
from ..log_lines import LineChoice, LineStyle, pattern_of
from ..output import note, wants_colour
from ..times import moment_of
from .jobs import JOB


def logs(
    job: str = JOB,
    follow: bool = typer.Option(
        False, "--follow", "-f", help="Go on until the job ends; end with its status."
    ),
    since: Optional[str] = typer.Option(
        None, "--since", help="Only newer lines: 10m, 14:30, 2026-04-03T12:00."
    ),
    grep: Optional[str] = typer.Option(None, "--grep", help="Only lines that match this regular expression."),
    node: Optional[str] = typer.Option(None, "--node", help="Only lines of this node."),
    raw: bool = typer.Option(False, "--raw", help="Only what the program printed, as it printed it."),
) -> int:
    """Print a job's log. With -f it goes on over lost connections, without a gap, until the job ends."""
    moment = moment_of(since, datetime.now(timezone.utc)) if since else None
    choice = LineChoice(moment, pattern_of(grep), node, raw)
    portal = runtime.portal()
    follower = Follower(portal, path_of(portal, job), tell=note)
    print_lines(follower, follower.events() if follow else follower.present(), choice, style_here(raw))
    return exit_status(follower.job) if follower.job is not None else 0


def style_here(raw: bool) -> LineStyle:
    """Return the style for this output."""
    return LineStyle(raw, runtime.choices.as_json, sys.stdout.isatty(), wants_colour(), sys.stdout.encoding)


def print_lines(
    follower: Follower, batches: Iterable[list[dict[str, Any]]], choice: LineChoice, style: LineStyle
) -> None:
    """Print the lines that are chosen, and note in the follower how far it got."""
    for batch in batches:
        for event in batch:
            if choice.wants(event):
                sys.stdout.write(style.line(event) + "\n")
            follower.after = event["sequence"]
        sys.stdout.flush()
