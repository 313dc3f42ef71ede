"""What stands between a node's programs and the machine: which protection can be had here, and the command lines.

bubblewrap  own user, mount, process, host name and IPC namespaces per node, a network per cluster; as root, also a user
            of its own per cluster. Nothing of the machine but its programs is visible.
uid         root without bubblewrap: a user per cluster; homes are closed, everything world-readable is not.
none        neither: everything this user may do, a node's user may do. For a demonstration to oneself only.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.simulator.sandbox.etc_files import BORROWED, UID
from jobs.simulator.sandbox.limits import NodeLimits
from jobs.simulator.sandbox.unix_users import UserNumbers
from jobs.simulator.settings import WrongSetting

STAGE = "/tmp"  # noqa: S108 - covered by an empty file system of the rack's own; exists everywhere
AGENT_INSIDE = "/run/headnode"
CONTEXT_INSIDE = "/run/context"
SYSTEM_FOLDERS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/libexec")
SFTP_SERVERS = (
    "/usr/lib/openssh/sftp-server",
    "/usr/libexec/openssh/sftp-server",
    "/usr/lib/ssh/sftp-server",
    "/usr/libexec/sftp-server",
    "/usr/lib/sftp-server",
)
START = """import os, sys
sys.path.insert(0, os.path.dirname(sys.argv[0]))
from jobs.simulator.node_runtime.agent import main
main()
"""
# What runs inside a node; the rest of `node_runtime` is the launcher's.
AGENT_MODULES = ("agent.py", "guard.py", "programs.py", "xauthority.py")
UNPROTECTED = {
    "bubblewrap": [],
    "uid": [
        "files on this machine that everyone may read",
        "this machine's network and loopback services",
        "the list of this machine's processes",
        "what programs leave outside the home (/tmp, /var/tmp, /dev/shm): it stays, under a user no other cluster gets",
    ],
    "none": [
        "everything the user who started the simulator may do or read, the portal's own files and keys included"
    ],
}


@dataclass(frozen=True)
class Python:
    """An interpreter for the agent and, when it lies outside /usr, the folder that must be shown with it."""

    path: str
    prefix: str | None


@dataclass(frozen=True)
class Sandbox:
    """The protection in force on this machine."""

    mode: str
    python: Python
    staged: bool
    uid_base: int | None

    @property
    def networked(self) -> bool:
        """Do clusters have a network of their own?"""
        return self.mode == "bubblewrap"

    def uid_for(self, numbers: UserNumbers, taken: set[int]) -> int | None:
        """The machine's user for another cluster, or None where we are not root. Raises UsedUp.

        No cluster gets the user of an earlier one: without bubblewrap it might have left files or worse behind.
        With it nothing of that user's is outside the home, so numbers may begin anew when all were given out.
        """
        if self.uid_base is None:
            return None
        base = self.uid_base
        return base + numbers.take({uid - base for uid in taken}, again=self.mode == "bubblewrap")

    def plan(self, uid: int | None, home: Path, etc: Path, run: Path, links: bool) -> dict[str, Any]:
        """What the rack does before it starts nodes."""
        places = [(str(home), "home"), (str(etc), "etc"), (str(run), "run")]
        if self.python.prefix:
            places.append((self.python.prefix, "python"))
        return {
            "stage": STAGE if self.staged else None,
            "places": places if self.staged else [],
            "uid": uid,
            "gid": uid,
            "network": self.networked,
            "links": links,
        }

    def command(
        self, home: Path, home_inside: str, etc: Path, run: Path, hostname: str, limits: NodeLimits
    ) -> list[str]:
        """The command line that becomes the node's agent."""
        if self.mode != "bubblewrap":
            return [self.python.path, "-I", "-S", str(run / "agent.pyc"), "3", *limits.words()]
        if self.staged:
            home, etc, run = (Path(STAGE, name) for name in ("home", "etc", "run"))
        bwrap = shutil.which("bwrap") or "/usr/bin/bwrap"
        line = [
            bwrap,
            "--unshare-user",
            "--uid",
            str(UID),
            "--gid",
            str(UID),
            "--unshare-pid",
            "--unshare-uts",
        ]
        line += ["--unshare-ipc", "--hostname", hostname, "--die-with-parent", "--as-pid-1", "--clearenv"]
        line += ["--ro-bind", "/usr", "/usr"]
        for folder in SYSTEM_FOLDERS:
            if os.path.islink(folder):
                line += ["--symlink", os.readlink(folder), folder]
            elif os.path.isdir(folder):
                line += ["--ro-bind", folder, folder]
        line += ["--dev", "/dev", "--proc", "/proc"]
        for folder in ("/tmp", "/var/tmp", "/dev/shm"):  # noqa: S108 - the node's own
            line += ["--perms", "1777", "--size", str(limits.temporary_bytes), "--tmpfs", folder]
        line += ["--remount-ro", "/dev", "--tmpfs", "/etc"]
        for name in BORROWED:
            line += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
        shared = (
            "passwd",
            "group",
            "hosts",
            "resolv.conf",
            "nsswitch.conf",
            "profile",
            "bash.bashrc",
            "shells",
            "os-release",
        )
        for name in (*shared, "ssh"):
            line += ["--ro-bind", str(etc / name), f"/etc/{name}"]
        line += ["--ro-bind", str(etc / f"hostname.{hostname}"), "/etc/hostname", "--remount-ro", "/etc"]
        line += ["--ro-bind", str(etc / f"context.{hostname}"), CONTEXT_INSIDE]
        line += ["--ro-bind", str(run), AGENT_INSIDE, "--bind", str(home), home_inside]
        if self.python.prefix:
            shown = Path(STAGE, "python") if self.staged else Path(self.python.prefix)
            line += ["--ro-bind", str(shown), self.python.prefix]
        line += ["--remount-ro", "/", "--chdir", home_inside]
        return [*line, "--", self.python.path, "-I", "-S", f"{AGENT_INSIDE}/agent.pyc", "3", *limits.words()]


def pythons() -> list[Python]:
    """Interpreters that could run the agent, the machine's own first: it is visible in every sandbox as it is."""
    usual = ("/usr/bin/python3", "/usr/local/bin/python3")
    found = [
        Python(path, None)
        for path in usual
        if os.path.exists(path) and os.path.realpath(path).startswith("/usr/")
    ]
    real = os.path.realpath(sys.executable)
    prefix = os.path.realpath(sysconfig.get_config_var("base") or sys.base_prefix)
    if real.startswith("/usr/"):
        found.append(Python(real, None))
    elif real.startswith(prefix + "/") and prefix != "/":
        found.append(Python(real, prefix))
    return found


def install_agent(python: Python, run: Path) -> bool:
    """Compile the agent for an interpreter into the folder nodes see; False when it cannot run there."""
    here = Path(__file__).parents[1] / "node_runtime"
    folder = run / "jobs" / "simulator" / "node_runtime"
    folder.mkdir(parents=True, exist_ok=True)
    for open_to_all in (folder, *folder.parents[:2], run):
        os.chmod(open_to_all, 0o755)  # noqa: S103 - nodes, as other users, read the agent here
    start = folder / "start.py"
    start.write_text(START)
    code = (
        "import sys, py_compile, ctypes, termios, fcntl, resource, threading\n"
        "sys.version_info >= (3, 9) or sys.exit(1)\n"
        "for source, target in zip(sys.argv[1::2], sys.argv[2::2]): py_compile.compile(source, target, doraise=True)"
    )
    compiled = {start: run / "agent.pyc"}
    for source in (here / name for name in AGENT_MODULES):
        compiled[source] = folder / f"{source.stem}.pyc"
    pairs = [str(path) for pair in compiled.items() for path in pair]
    try:
        done = subprocess.run(
            [python.path, "-I", "-S", "-c", code, *pairs],
            capture_output=True,
            timeout=60,
            env={"PATH": "/usr/bin:/bin"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    start.unlink()
    if done.returncode == 0:
        for target in compiled.values():
            os.chmod(target, 0o644)
    return done.returncode == 0


def uid_base(seed: int) -> int | None:
    """Root only: where the users for clusters begin, far from anyone's, inside what this (user) namespace maps."""
    if os.geteuid() != 0:
        return None
    try:
        ranges = [
            tuple(map(int, line.split())) for line in Path("/proc/self/uid_map").read_text().splitlines()
        ]
    except OSError:
        return 200_000
    end = max(first + count for first, _, count in ranges)
    if end > 2_000_000_000:
        return 1_880_000_000 + seed % 20_000 * 4096
    return 20_000 + seed % 8 * 4096 if end >= 65_536 else None


def candidates(wanted: str, seed: int) -> Sequence[Sandbox]:
    """Protections to try, best first. Raises WrongSetting when the one asked for cannot even be tried."""
    base = uid_base(seed)
    linux = sys.platform == "linux"
    choices: list[Sandbox] = []
    for python in pythons():
        if linux and shutil.which("bwrap"):
            choices.append(Sandbox("bubblewrap", python, staged=base is not None, uid_base=base))
            if base is not None:
                choices.append(Sandbox("bubblewrap", python, staged=False, uid_base=base))
    choices += [Sandbox("uid", python, False, base) for python in pythons() if base is not None]
    choices += [Sandbox("none", Python(sys.executable, None), False, None)]
    chosen = [choice for choice in choices if wanted in ("auto", choice.mode)]
    if os.geteuid() == 0 and wanted == "auto":
        # "nothing on a node runs as the machine's root": then rather no nodes at all.
        chosen = [choice for choice in chosen if choice.mode != "none"]
    if not chosen:
        hint = {"bubblewrap": "Install the package bubblewrap.", "uid": "It needs root."}.get(
            wanted, "Install bubblewrap."
        )
        raise WrongSetting(f"HEADNODE_SIMULATOR_SANDBOX={wanted} cannot be had on this machine. {hint}")
    return choices if chosen is choices else chosen
