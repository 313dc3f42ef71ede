"""`cp`: files to and from a job, as long as its cluster runs and from storage afterwards."""

import os
import posixpath
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer

from .. import nodes, runtime, ssh_session, transfer
from ..client import Portal
from ..copy_places import Place, direction, stored_paths
from ..downloads import download, outputs
from ..errors import CLIError, NotThere, Refused, WrongUsage
from ..file_names import local_name, path_here, path_on_node
from ..job_refs import job_id
from ..output import note, say, show_json
from ..transfer import CopyStopped
from .ssh import NODE

GONE = ("cluster_gone", "node_gone")


def cp(
    paths: list[str] = typer.Argument(
        ..., metavar="SRC... DST", help="One side is JOB:path, from the home folder."
    ),
    recursive: bool = typer.Option(False, "--recursive", "-r", help="Copy folders, too."),
    node: str = NODE,
) -> None:
    """Copy files to or from a job: headnode cp mesh.dat JOB:work/shared/

    Goes on after a lost connection, and checks what arrived. When the cluster has ended, files come from storage.
    """
    if len(paths) < 2:
        raise WrongUsage("Name what to copy, and where to: headnode cp mesh.dat JOB:work/shared/")
    sources, target = direction(paths[:-1], paths[-1])
    portal = runtime.portal()
    for place in sources if target.job else []:
        if not os.path.exists(place.path):
            raise CLIError(f"There is no file {place.path!r}.")
        if os.path.isdir(place.path) and not recursive:
            raise CLIError(f"{place.path!r} is a folder. Copy folders with -r.")
    job = job_id(portal, target.job or sources[0].job)
    try:
        found = nodes.wait_for(portal, f"jobs/{job}/", node, note)
    except Refused as refused:
        if refused.reason not in GONE:
            raise
        if target.job:
            raise Refused("The cluster has ended: there is nothing to copy to.", refused.reason) from None
        _from_storage(portal, job, sources, target, recursive)
        _tell(paths, "storage")
        return
    nodes.check_key(portal)
    try:
        with ssh_session.session(found, node, ["BatchMode yes", "ConnectTimeout 15"]) as session:
            transfer.copy(session, sources, target, recursive=recursive, tell=note)
    except CopyStopped as stopped:
        raise CLIError(_why_not(portal) or str(stopped)) from None
    _tell(paths, node)


def _why_not(portal: Portal) -> str:
    with suppress(CLIError):  # that the portal is away now is not why the copy stopped
        return nodes.why_not(portal)
    return ""


def _tell(paths: list[str], by: str) -> None:
    if runtime.choices.as_json:
        show_json({"sources": paths[:-1], "target": paths[-1], "through": by})


def _from_storage(portal: Portal, job: str, sources: list[Place], target: Place, recursive: bool) -> None:
    stored = outputs(portal, job)
    goal = Path(target.path)
    for place in sources:
        for path in stored_paths(place.path):
            exact = [file for file in stored if path_on_node(file) == path]
            below = [file for file in stored if not path or path_on_node(file).startswith(f"{path}/")]
            if exact or below:
                break
        if exact:
            _get(portal, exact[0], goal / Path(path_here(exact[0])).name if goal.is_dir() else goal)
        elif below and recursive:
            # As with cp -r: into a folder that is there under its own name, else as the new folder.
            base = goal / local_name(posixpath.basename(path)) if goal.is_dir() and path else goal
            depth = len(Path(local_name(path)).parts) if path else 0
            for file in below:
                _get(portal, file, base.joinpath(*Path(path_here(file)).parts[depth:]))
        elif below:
            raise CLIError(f"{place.path!r} is a folder. Copy folders with -r.")
        else:
            raise NotThere(
                f"{place.path!r} is not among the stored files of {job}. See headnode files {job}."
            )


def _get(portal: Portal, file: dict[str, Any], target: Path) -> None:
    download(portal, file, target)
    say(f"Got {target} from storage.")
