"""`submit` and `run`: start a job; `run` stays with it to its end."""

import sys
from pathlib import Path
from typing import Optional

import typer

from .. import runtime, submission
from ..client import Portal
from ..downloads import fetch_outputs
from ..follow import Follower, exit_status
from ..job_request import Wanted
from ..log_lines import LineChoice
from ..output import note, say, show_json
from .logs import print_lines, style_here

FILE = typer.Argument(None, help="A script, or a cluster definition (.toml).")
COMMAND = typer.Option(None, "--command", "-c", help="A shell command to run instead of a file.")
NAME = typer.Option(None, "--name", help="What to call the job.")
CORE_TYPE = typer.Option(None, "--core-type", help="Which hardware; else the first of the catalogue.")
CORES = typer.Option(None, "--cores", min=1, help="Cores of each node.")
SLOTS = typer.Option(None, "--slots", "--nodes", min=1, help="How many nodes.")
HOURS = typer.Option(None, "--hours", min=0.0, help="How long it may run.")
INPUT = typer.Option(
    None, "--input", "-i", metavar="PATH", help="A file or folder to send along; repeatable."
)
ENV = typer.Option(None, "--env", "-e", metavar="NAME=VALUE", help="A variable for the command; repeatable.")
KEEP = typer.Option(None, "--keep/--no-keep", help="Whether the head node stays after the command.")
IDLE = typer.Option(
    None, "--idle-minutes", min=0, help="End the cluster when nobody uses it for so long; 0: never."
)
DETACHED = 0
INTERRUPTED = 130


def submit(
    file: Optional[Path] = FILE,
    command: Optional[str] = COMMAND,
    name: Optional[str] = NAME,
    core_type: Optional[str] = CORE_TYPE,
    cores: Optional[int] = CORES,
    slots: Optional[int] = SLOTS,
    hours: Optional[float] = HOURS,
    inputs: Optional[list[str]] = INPUT,
    env: Optional[list[str]] = ENV,
    keep: Optional[bool] = KEEP,
    idle_minutes: Optional[int] = IDLE,
) -> None:
    """Submit a job: a command, a script with #HEADNODE lines, or a cluster definition."""
    portal = runtime.portal()
    wanted = Wanted(name, core_type, cores, slots, hours, keep, idle_minutes, env or [], inputs or [])
    job = submission.submit(portal, file, command, wanted)
    if runtime.choices.as_json:
        show_json(portal.get(f"jobs/{job}/"))
    elif runtime.choices.quiet or not sys.stdout.isatty():
        print(job)
    else:
        say(f"Submitted {job}. Follow it: headnode logs -f {job}")


def run(
    file: Optional[Path] = FILE,
    command: Optional[str] = COMMAND,
    name: Optional[str] = NAME,
    core_type: Optional[str] = CORE_TYPE,
    cores: Optional[int] = CORES,
    slots: Optional[int] = SLOTS,
    hours: Optional[float] = HOURS,
    inputs: Optional[list[str]] = INPUT,
    env: Optional[list[str]] = ENV,
    keep: Optional[bool] = KEEP,
    idle_minutes: Optional[int] = IDLE,
    raw: bool = typer.Option(False, "--raw", help="Print only what the program prints."),
    fetch: Optional[list[str]] = typer.Option(
        None, "--fetch", metavar="PATTERN", help="Get output files that match, as '*.vtk'; repeatable."
    ),
    to: Path = typer.Option(Path(), "--to", help="The folder for fetched files."),
) -> int:
    """Submit a job, follow its log to the end, and end with its exit status.

    Ctrl-C asks whether to leave the job running, to terminate it, or to go on.
    """
    portal = runtime.portal()
    wanted = Wanted(name, core_type, cores, slots, hours, keep, idle_minutes, env or [], inputs or [])
    job = submission.submit(portal, file, command, wanted)
    note(f"Submitted {job}.")
    follower = Follower(portal, f"jobs/{job}/", tell=note)
    while follower.job is None:
        try:
            print_lines(follower, follower.events(), LineChoice(raw=raw), style_here(raw))
        except KeyboardInterrupt:
            if (status := _interrupted(portal, job)) is not None:
                return status
    if fetch:
        fetch_outputs(portal, job, fetch, to)
    return exit_status(follower.job)


def _interrupted(portal: Portal, job: str) -> Optional[int]:
    """Ask what Ctrl-C meant. Return the status to end with; None to go on following."""
    if not sys.stdin.isatty():
        note(f"The job goes on: headnode logs -f {job}")
        return INTERRUPTED
    while True:
        try:
            answer = input("\n[d]etach and leave it running, [t]erminate it, or [c]ontinue? ").strip().lower()
        except (KeyboardInterrupt, EOFError):
            answer = "d"
        if answer in ("d", "detach"):
            note(f"The job goes on: headnode logs -f {job}")
            return DETACHED
        if answer in ("t", "terminate"):
            portal.post(f"jobs/{job}/stop/", repeatable=True)
            return None
        if answer in ("c", "continue", "cancel", ""):
            return None
