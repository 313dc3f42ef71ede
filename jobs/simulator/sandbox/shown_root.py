"""What the nodes of a cluster see of this machine without bubblewrap: the root folder that the launcher makes."""

import os
from typing import Any

from jobs.simulator.sandbox.bubblewrap import (
    AGENT_INSIDE,
    CONTEXT_INSIDE,
    COVERED_IN_PROC,
    SYSTEM_FOLDERS,
    TEMPORARY_FOLDERS,
    NodeFolders,
)
from jobs.simulator.sandbox.etc_files import MADE_FOR_NODES, SHARED_WITH_NODES

STAGE = "/tmp"  # noqa: S108 - covered by a file system of the launcher's own; exists everywhere


def own_root_plan(
    folders: NodeFolders,
    home_inside: str,
    python_prefix: str | None,
    temporary_bytes: int,
    hide_processes: bool,
) -> dict[str, Any]:
    """Return what `node_runtime.own_root` makes for a cluster."""
    systems = ["/usr", *SYSTEM_FOLDERS]
    binds = [(path, path) for path in systems if os.path.isdir(path) and not os.path.islink(path)]
    binds += [(f"/etc/{name}", f"/etc/{name}") for name in SHARED_WITH_NODES]
    binds += [(str(folders.etc / name), f"/etc/{name}") for name in MADE_FOR_NODES]
    binds += [
        (str(folders.run), AGENT_INSIDE),
        (str(folders.etc), CONTEXT_INSIDE),
        (str(folders.home), home_inside),
    ]
    if python_prefix is not None:
        binds.append((python_prefix, python_prefix))
    return {
        "at": STAGE,
        "binds": binds,
        "links": [(os.readlink(path), path) for path in systems if os.path.islink(path)],
        "temporary": [(temporary_bytes, path) for path in TEMPORARY_FOLDERS],
        "covered": [f"/proc/{name}" for name in COVERED_IN_PROC],
        "hide_processes": hide_processes,
    }
