"""What a person asks of a job: from options, and from the `#HEADNODE` lines of their script. Pure."""

from __future__ import annotations

import argparse
import math
import re
import shlex
from dataclasses import dataclass, field, fields
from typing import Any, NoReturn

from .errors import WrongUsage

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass
class Wanted:
    """The hardware and the rest, as asked; None leaves it to the portal."""

    name: str | None = None
    core_type: str | None = None
    cores: int | None = None
    slots: int | None = None
    hours: float | None = None
    keep: bool | None = None
    idle_minutes: int | None = None
    env: list[str] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise WrongUsage(f"A #HEADNODE line of the script is wrong: {message}.")


def read_script_options(words: list[str]) -> Wanted:
    """Return what the words of the `#HEADNODE` lines ask for. Raises WrongUsage."""
    parser = _Parser(prog="#HEADNODE", add_help=False, allow_abbrev=False)
    parser.add_argument("--name")
    parser.add_argument("--core-type")
    parser.add_argument("--cores", type=int)
    parser.add_argument("--slots", "--nodes", type=int)
    parser.add_argument("--hours", type=float)
    parser.add_argument("--keep", action="store_true", default=None)
    parser.add_argument("--idle-minutes", type=int)
    parser.add_argument("--env", action="append", default=[])
    parser.add_argument("--input", action="append", default=[], dest="inputs")
    return Wanted(**vars(parser.parse_args(words)))


def merged(own: Wanted, script: Wanted) -> Wanted:
    """Return both together: options of the command line win, lists add up, the script's first."""
    found = Wanted()
    for part in fields(Wanted):
        mine, theirs = getattr(own, part.name), getattr(script, part.name)
        both = [*theirs, *mine] if isinstance(mine, list) else theirs if mine is None else mine
        setattr(found, part.name, both)
    return found


def environment(pairs: list[str]) -> dict[str, str]:
    """Return NAME=VALUE pairs as a mapping. Raises WrongUsage."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not _ENV_NAME.fullmatch(name):
            raise WrongUsage(f"--env wants NAME=VALUE, not {pair!r}.")
        found[name] = value
    return found


def script_command(name: str) -> str:
    """Return the command that runs an uploaded script by its own first line, with sh if it has none."""
    path = shlex.quote(f"./{name}")
    return f"chmod +x {path} && {path}"


def default_name(command: str) -> str:
    """Return a name for a job that was given none: the beginning of its command."""
    words = " ".join("".join(letter if letter.isprintable() else " " for letter in command).split())
    return words[:60] or "job"


def body_of(
    wanted: Wanted, command: str, core_type: dict[str, Any], files: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return the body that creates the job."""
    hardware: dict[str, Any] = {
        "coreType": core_type["code"],
        "coresPerSlot": core_type["cores"][0] if wanted.cores is None else wanted.cores,
        "slots": 1 if wanted.slots is None else wanted.slots,
    }
    if wanted.hours is not None:
        if not math.isfinite(wanted.hours):
            raise WrongUsage(f"--hours wants a number, not {wanted.hours}.")
        hardware["walltime"] = wanted.hours
    analysis = {
        "analysis": {"code": "user_included", "version": "0"},
        "command": command,
        "hardware": hardware,
        "envVars": environment(wanted.env),
        "inputFiles": files,
    }
    body: dict[str, Any] = {"name": wanted.name or default_name(command), "jobanalyses": [analysis]}
    if wanted.keep is not None:
        body["autoTerminateCluster"] = not wanted.keep
    if wanted.idle_minutes is not None:
        body["idleMinutes"] = wanted.idle_minutes
    return body
