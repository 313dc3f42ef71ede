"""Which protection separates a node's programs from the machine, and how nodes are started under it.

bubblewrap  own user, mount, process, host name and IPC namespaces per node, a network per cluster; as root, also a user
            per cluster. Nothing of the machine but its programs is visible.
uid         root without bubblewrap: a user and, where root may make mounts, a root folder per cluster. The network is
            the machine's.
none        neither: a node's user may do whatever the simulator's user may. For a demonstration to oneself only.
"""

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from jobs.simulator.node_runtime.own_root import OWN_HIDEPID
from jobs.simulator.node_runtime.process_limits import kernel_version
from jobs.simulator.sandbox.agent_install import AGENT_FILE, Python, find_pythons
from jobs.simulator.sandbox.bubblewrap import (
    AGENT_INSIDE,
    NodeFolders,
    bubblewrap_command,
    can_disable_nested_users,
)
from jobs.simulator.sandbox.limits import NodeLimits
from jobs.simulator.sandbox.shown_root import own_root_plan
from jobs.simulator.sandbox.unix_users import UserNumbers, first_uid
from jobs.simulator.settings import WrongSetting, sandbox_refusal

STAGE = "/tmp"  # noqa: S108 - covered by an empty file system of the launcher's own; exists everywhere
AUTOMATIC = "auto"


class Protection(StrEnum):
    """The protections, best first."""

    BUBBLEWRAP = "bubblewrap"
    UID = "uid"
    NONE = "none"


UNPROTECTED = {
    Protection.BUBBLEWRAP: [],
    Protection.UID: ["this machine's network and loopback services"],
    Protection.NONE: [
        "everything the user who started the simulator may do or read, the portal's own files and keys included"
    ],
}
UNFILTERED = (
    "system calls that programs have no use for: this machine's kernel or processor has no filter for them"
)
UNCOUNTED = (
    "memory that no program has mapped and the kernel's own for sockets and pipes: without control groups (root, or "
    "systemd's delegation) it is counted only as far as it can be seen, and the machine's memory is its limit"
)
LISTED = "the list of this machine's processes"
SHARED_ROOT = [
    "files on this machine that everyone may read",
    LISTED,
    "what programs leave outside the home (/tmp, /var/tmp, /dev/shm): it stays, under a user no other cluster gets",
    "nor do ssh, sftp and the collecting of output files work: users have no entry in /etc/passwd without mounts",
]
MISSING_HINTS = {
    Protection.BUBBLEWRAP: "Install the package bubblewrap.",
    Protection.UID: "It needs root.",
}


@dataclass(frozen=True)
class NodeFeatures:
    """What nodes have on this machine: networks of their own, a filter of system calls, control groups."""

    network_per_node: bool = False
    filters_syscalls: bool = False
    control_group: bool = False


def unprotected(sandbox: "Sandbox", features: NodeFeatures) -> list[str]:
    """Return what a sandbox does not hold back on this machine, as sentences."""
    found = list(UNPROTECTED[sandbox.protection])
    hides = features.control_group and kernel_version() >= OWN_HIDEPID
    if sandbox.protection is Protection.UID:
        found += SHARED_ROOT if not sandbox.has_own_root else [] if hides else [LISTED]
    if not features.filters_syscalls:
        found.append(UNFILTERED)
    if not features.control_group:
        found.append(UNCOUNTED)
    return found


@dataclass(frozen=True)
class Sandbox:
    """The protection in force on this machine.

    `staged`: the launcher shows the cluster's folders below STAGE, because the state directory is closed to the
    cluster's user. `uid_base`: where the users for clusters begin; None unless root. `nested_users`: bubblewrap
    does not forbid user namespaces (older ones, and containers that close /proc/sys); the filter of system calls does.
    `own_root`: without bubblewrap, the launcher makes a root folder for the cluster; containers without CAP_SYS_ADMIN
    do not allow it.
    """

    protection: Protection
    python: Python
    staged: bool
    uid_base: int | None
    nested_users: bool = True
    own_root: bool = False

    @property
    def has_own_network(self) -> bool:
        """Whether each cluster has a network of its own."""
        return self.protection is Protection.BUBBLEWRAP

    @property
    def has_own_root(self) -> bool:
        """Whether programs see the files that are shown to them, under the usual paths, and no others."""
        return self.own_root or self.protection is Protection.BUBBLEWRAP

    @property
    def needs_open_folders(self) -> bool:
        """Whether the folders that nodes see must lie where the clusters' users can reach them by themselves."""
        return self.uid_base is not None and not self.staged and not self.own_root

    def acquire_uid(self, numbers: UserNumbers, taken: set[int]) -> int | None:
        """Return the machine's user for another cluster; None unless root. Raises NoUserLeft.

        No cluster gets the user of an earlier one: without bubblewrap that one might have left files behind. With it
        nothing of the user's is outside the home, so numbers may be reused once all were given out.
        """
        if self.uid_base is None:
            return None
        base = self.uid_base
        reuse = self.protection is Protection.BUBBLEWRAP
        return base + numbers.acquire({uid - base for uid in taken}, reuse)

    def launcher_plan(
        self,
        uid: int | None,
        folders: NodeFolders,
        home_inside: str,
        network_per_node: bool,
        temporary_bytes: int,
        hide_processes: bool,
    ) -> dict[str, Any]:
        """Return what the launcher does before it starts nodes.

        `temporary_bytes`: the size of each folder for temporary files, where all nodes of a cluster share them.
        `hide_processes`: other users' processes can be hidden: what is hidden from an agent is ended in another way.
        """
        root = own_root_plan(folders, home_inside, self.python.prefix, temporary_bytes, hide_processes)
        shown = [(str(folders.home), "home"), (str(folders.etc), "etc"), (str(folders.run), "run")]
        if self.python.prefix:
            shown.append((self.python.prefix, "python"))
        return {
            "stage": STAGE if self.staged else None,
            "folders": shown if self.staged else [],
            "own_root": root if self.own_root else None,
            "uid": uid,
            "gid": uid,
            "own_network": self.has_own_network,
            "network_per_node": network_per_node,
        }

    def node_command(
        self, folders: NodeFolders, home_inside: str, hostname: str, limits: NodeLimits
    ) -> list[str]:
        """Return the command line that becomes the node's agent."""
        agent = [self.python.path, "-I", "-S"]
        arguments = ["3", *limits.as_arguments(), "4"]
        if self.protection is not Protection.BUBBLEWRAP:
            run = AGENT_INSIDE if self.own_root else str(folders.run)
            return [*agent, f"{run}/{AGENT_FILE}", *arguments]
        if self.staged:
            python = Path(STAGE, "python") if self.python.prefix else None
            shown = NodeFolders(Path(STAGE, "home"), Path(STAGE, "etc"), Path(STAGE, "run"), python)
        else:
            python = Path(self.python.prefix) if self.python.prefix else None
            shown = NodeFolders(folders.home, folders.etc, folders.run, python)
        wrapper = bubblewrap_command(
            shown, home_inside, self.python.prefix, hostname, limits, nested_users=self.nested_users
        )
        return [*wrapper, *agent, f"{AGENT_INSIDE}/{AGENT_FILE}", *arguments]


def candidates(wanted: str, seed: int) -> Sequence[Sandbox]:
    """Return the protections to try, best first. Raises WrongSetting if the wanted one cannot even be tried."""
    is_root = os.geteuid() == 0
    if refusal := sandbox_refusal(wanted, is_root):
        raise WrongSetting(refusal)
    base = first_uid(seed)
    choices = [choice for choice in _all_candidates(base) if wanted in (AUTOMATIC, choice.protection)]
    if is_root:
        # Nothing on a node may run as the machine's root: then rather no nodes at all.
        choices = [choice for choice in choices if choice.protection is not Protection.NONE]
    if not choices:
        known = wanted in set(Protection)
        hint = MISSING_HINTS.get(Protection(wanted), "") if known else ""
        raise WrongSetting(
            f"HEADNODE_SIMULATOR_SANDBOX={wanted} cannot be had on this machine. {hint or 'Install bubblewrap.'}"
        )
    return choices


def _all_candidates(base: int | None) -> list[Sandbox]:
    pythons = find_pythons()
    choices: list[Sandbox] = []
    if sys.platform == "linux" and shutil.which("bwrap"):
        choices += [
            Sandbox(Protection.BUBBLEWRAP, python, staged, base, nested_users)
            for python in pythons
            for staged in ((True, False) if base is not None else (False,))
            for nested_users in ((False, True) if can_disable_nested_users() else (True,))
        ]
    choices += [
        Sandbox(Protection.UID, python, False, base, own_root=own_root)
        for own_root in ((True, False) if sys.platform == "linux" else (False,))
        for python in pythons
        if base is not None
    ]
    return [*choices, Sandbox(Protection.NONE, Python(sys.executable, None), False, None)]
