"""Where to copy from and to: `JOB:path` on a node, or a path of this computer. Pure."""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass
from types import ModuleType

from .errors import WrongUsage

_JOB = re.compile(r"(@last|[A-Za-z][A-Za-z0-9-]*):(.*)", re.DOTALL)
WORK, SHARED = "work/", "shared/"


@dataclass(frozen=True)
class Place:
    """A path; on a job's node if `job` is set. There it counts from the home folder, as with scp."""

    path: str
    job: str = ""


def place_of(text: str, flavour: ModuleType = os.path) -> Place:
    """Return the place that is meant. `C:\\x` is a path on Windows; `./a:b` is a path everywhere."""
    found = _JOB.fullmatch(text)
    if found is None or (flavour.sep == "\\" and len(found.group(1)) == 1):
        return Place(text)
    return Place(found.group(2), found.group(1))


def direction(sources: list[str], target: str, flavour: ModuleType = os.path) -> tuple[list[Place], Place]:
    """Return sources and target: exactly one side is on a job. Raises WrongUsage."""
    origins, goal = [place_of(text, flavour) for text in sources], place_of(target, flavour)
    jobs = {place.job for place in origins}
    if len(jobs) != 1:
        raise WrongUsage("All sources must be of one job, or all of this computer.")
    if bool(goal.job) == bool(origins[0].job):
        raise WrongUsage("Exactly one side is on a cluster: headnode cp mesh.dat JOB:work/shared/")
    return origins, goal


def stored_paths(path: str) -> list[str]:
    """Return the paths in storage that a path on the node may have there, the likeliest first.

    Storage keeps `~/work`, and leaves out `shared/`, where the command runs, unless that would make two of one name.
    """
    clean = posixpath.normpath(path) if path else ""
    clean = re.sub(r"^(/enc/[^/]+/|~/)", "", clean)
    if clean in (".", "", "work", "work/shared"):
        return [""]
    inside = clean[len(WORK) :] if clean.startswith(WORK) else clean
    return [inside, inside[len(SHARED) :]] if inside.startswith(SHARED) else [inside]
