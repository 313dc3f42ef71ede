"""Give a cluster a root folder of its own, where bubblewrap is missing but the launcher is root.

Its programs see the system's folders, an /etc made for them, their home at its usual path, and folders for temporary
files that end with the cluster: so `getpwuid` finds their user, which ssh and sftp insist on, and nothing of the
machine's other files is in sight. They share its network and, unlike in bubblewrap, its process numbers.

Part of the launcher: standard library only. Every refusal of the kernel is an OSError.
"""

from __future__ import annotations

import os
import stat

from jobs.simulator.node_runtime.libc import check, libc
from jobs.simulator.node_runtime.namespaces import TERMINALS
from jobs.simulator.node_runtime.process_limits import kernel_version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    class OwnRoot(TypedDict):
        """What the root holds; each list has pairs, the path inside last.

        `binds`: what is shown, if it exists; `links`: symbolic links; `temporary`: sizes in bytes, folders in memory.
        `covered`: files that show nothing. `hide_processes`: other users' processes are not shown.
        """

        at: str
        binds: list[tuple[str, str]]
        links: list[tuple[str, str]]
        temporary: list[tuple[int, str]]
        covered: list[str]
        hide_processes: bool


CLONE_NEWNS, CLONE_NEWIPC = 0x00020000, 0x08000000
MS_BIND, MS_REC, MS_PRIVATE, MS_NOSUID, MS_NODEV, MS_NOEXEC = 4096, 16384, 1 << 18, 2, 4, 8
OWN_HIDEPID = (5, 8)  # before, all mounts of /proc shared this setting
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
DEVICE_LINKS = (
    ("pts/ptmx", "ptmx"),
    ("/proc/self/fd", "fd"),
    ("fd/0", "stdin"),
    ("fd/1", "stdout"),
    ("fd/2", "stderr"),
)


def enter_own_root(wanted: OwnRoot) -> None:
    """Enter a mount and an IPC namespace and make the root there. Call it as root, before giving that up."""
    root = wanted["at"]
    check(libc.unshare(CLONE_NEWNS | CLONE_NEWIPC), "mount and IPC namespaces")
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    # Opened first: `root` is about to cover what is in it.
    binds = [*wanted["binds"], *((f"/dev/{name}", f"/dev/{name}") for name in DEVICES)]
    opened = [(os.open(source, os.O_PATH), path) for source, path in binds if os.path.exists(source)]
    mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m")
    for descriptor, path in opened:
        target = root + path
        make_target(root, path, is_folder=stat.S_ISDIR(os.fstat(descriptor).st_mode))
        mount(f"/proc/self/fd/{descriptor}", target, None, MS_BIND | MS_REC)
        os.close(descriptor)
    for text, path in (*wanted["links"], *((text, f"/dev/{name}") for text, name in DEVICE_LINKS)):
        os.symlink(text, root + path)
    make_target(root, "/dev/pts", is_folder=True)
    mount("devpts", f"{root}/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, f"{TERMINALS},gid=5")
    make_target(root, "/proc", is_folder=True)
    hides = wanted["hide_processes"] and kernel_version() >= OWN_HIDEPID
    mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=2" if hides else "")
    for path in wanted["covered"]:
        if os.path.exists(root + path):
            mount(f"{root}/dev/null", root + path, None, MS_BIND)
    for size, path in wanted["temporary"]:
        make_target(root, path, is_folder=True)
        mount("tmpfs", root + path, "tmpfs", MS_NOSUID | MS_NODEV, f"mode=1777,size={size}")
    os.chroot(root)
    os.chdir("/")


def make_target(root: str, path: str, *, is_folder: bool) -> None:
    """Make what something can be mounted on, and the folders above it, open to everyone whatever the umask says."""
    at = root
    *above, name = path.strip("/").split("/")
    for part in above:
        at = f"{at}/{part}"
        make_folder(at)
    if is_folder:
        make_folder(f"{at}/{name}")
    elif not os.path.lexists(f"{at}/{name}"):
        os.close(os.open(f"{at}/{name}", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))


def make_folder(path: str) -> None:
    """Make a folder that everyone may look into, unless it is there."""
    if not os.path.isdir(path):
        os.mkdir(path)
        os.chmod(path, 0o755)  # noqa: S103 - empty but for what is shown in it


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """Call mount(2)."""
    texts = [None if text is None else text.encode() for text in (source, target, kind)]
    check(libc.mount(*texts, flags, options.encode()), f"mount on {target}")
