"""The command line that starts a node in bubblewrap: the system's folders read-only, and the node's own as given."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from jobs.simulator.sandbox.etc_files import MADE_FOR_NODES, SHARED_WITH_NODES, UID
from jobs.simulator.sandbox.limits import NodeLimits

AGENT_INSIDE = "/run/headnode"
CONTEXT_INSIDE = "/run/context"
SYSTEM_FOLDERS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/libexec")
TEMPORARY_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - the node's own
# What /proc tells of the machine itself, and no program needs.
COVERED_IN_PROC = ("cmdline", "kallsyms", "kcore", "sched_debug", "timer_list")
HELP_SECONDS = 10
NAMESPACES = ("--unshare-user", "--unshare-pid", "--unshare-uts", "--unshare-ipc", "--unshare-cgroup-try")


@dataclass(frozen=True)
class NodeFolders:
    """The folders of this machine that a node is shown."""

    home: Path
    etc: Path
    run: Path
    python: Path | None = None


def can_disable_nested_users() -> bool:
    """Return whether this bubblewrap (0.8 or newer) can forbid user namespaces inside the sandbox."""
    try:
        done = subprocess.run(["bwrap", "--help"], capture_output=True, timeout=HELP_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return b"--disable-userns" in done.stdout + done.stderr


def bubblewrap_command(
    folders: NodeFolders,
    home_inside: str,
    python_prefix: str | None,
    hostname: str,
    limits: NodeLimits,
    *,
    nested_users: bool = True,
) -> list[str]:
    """Return the command up to `--`: what the node sees, read-only but for its home and its memory folders."""
    line = [shutil.which("bwrap") or "/usr/bin/bwrap", *NAMESPACES, "--uid", str(UID), "--gid", str(UID)]
    line += [] if nested_users else ["--disable-userns"]
    line += ["--hostname", hostname, "--die-with-parent", "--as-pid-1", "--clearenv"]
    line += ["--ro-bind", "/usr", "/usr"]
    for folder in SYSTEM_FOLDERS:
        if os.path.islink(folder):
            line += ["--symlink", os.readlink(folder), folder]
        elif os.path.isdir(folder):
            line += ["--ro-bind", folder, folder]
    # The launcher has covered /dev/pts with the node's own (`namespaces.show_own_terminals`).
    line += ["--dev", "/dev", "--dev-bind", "/dev/pts", "/dev/pts", "--proc", "/proc"]
    for name in COVERED_IN_PROC:
        if os.path.exists(f"/proc/{name}"):
            line += ["--dev-bind", "/dev/null", f"/proc/{name}"]
    for folder in TEMPORARY_FOLDERS:
        line += ["--perms", "1777", "--size", str(limits.temporary_bytes), "--tmpfs", folder]
    line += ["--remount-ro", "/dev", *_etc_options(folders.etc, hostname)]
    line += ["--ro-bind", str(folders.etc / f"context.{hostname}"), CONTEXT_INSIDE]
    line += ["--ro-bind", str(folders.run), AGENT_INSIDE, "--bind", str(folders.home), home_inside]
    if folders.python is not None and python_prefix is not None:
        line += ["--ro-bind", str(folders.python), python_prefix]
    return [*line, "--remount-ro", "/", "--chdir", home_inside, "--"]


def _etc_options(etc: Path, hostname: str) -> list[str]:
    line = ["--tmpfs", "/etc"]
    for name in SHARED_WITH_NODES:
        line += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for name in MADE_FOR_NODES:
        line += ["--ro-bind", str(etc / name), f"/etc/{name}"]
    return [*line, "--ro-bind", str(etc / f"hostname.{hostname}"), "/etc/hostname", "--remount-ro", "/etc"]
