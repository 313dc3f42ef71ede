"""Fill the disk of one running node, and make room again: the fault `disk_full`.

Programs of the node get "No space left on device" in the home and in the folders for temporary files. The launcher does
this in a child that enters the node's mount namespace (which belongs to a user namespace below the launcher's, so it
takes no right outside the cluster):
- /tmp, /var/tmp and /dev/shm are in memory: they are given the size that they have in use.
- The home is covered by an overlay whose upper layer has no room: everything can be read, nothing can be written. The
  machine's disk and the cluster's other nodes are not affected.

A running program keeps what it has open and its working folder, which are still the home of before. Only what is opened
by its full path, and programs started later, see the full disk.

Part of the launcher: standard library only.
"""

from __future__ import annotations

import fcntl
import os

from jobs.simulator.node_runtime.libc import check, libc

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_NOSUID, MS_NODEV, MS_REMOUNT, MNT_DETACH = 2, 4, 32, 2
NS_GET_USERNS = 0xB701
TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - the node's own
STAGE = "/run/headnode"  # the agent's code: read at its start and never again
TRIES = 50


def mount(source: str, target: str, kind: str | None, flags: int, options: str) -> None:
    """Call mount(2)."""
    done = libc.mount(
        source.encode(), target.encode(), kind.encode() if kind else None, flags, options.encode()
    )
    check(done, f"mount on {target}")


def first_child(parent: int) -> int:
    """Return process 1 of the node: the only child of bubblewrap."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    if int(file.read().rpartition(")")[2].split()[1]) == parent:
                        return int(name)
            except (OSError, IndexError, ValueError):
                continue
    raise OSError("the node has ended")


def enter(pid: int) -> None:
    """Enter a process's mount namespace, and before it the user namespace that owns it."""
    namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    owner = fcntl.ioctl(namespace, NS_GET_USERNS)
    check(libc.setns(owner, CLONE_NEWUSER), "user namespace of the node")
    check(libc.setns(namespace, CLONE_NEWNS), "mount namespace of the node")


def in_use(path: str) -> tuple[int, int]:
    """Return the bytes and files that a file system holds, at least 1: as a limit, 0 would mean none."""
    found = os.statvfs(path)
    return max(found.f_blocks - found.f_bfree, 1) * found.f_frsize, max(found.f_files - found.f_ffree, 1)


def resize(path: str, size: int, files: int) -> None:
    """Change the size of a file system in memory."""
    mount("tmpfs", path, None, MS_REMOUNT | MS_NOSUID | MS_NODEV, f"size={size},nr_inodes={files}")


def shrink(path: str) -> None:
    """Limit a file system to what is in use. Tries again, because programs may be writing meanwhile."""
    for left in reversed(range(TRIES)):
        try:
            resize(path, *in_use(path))
            return
        except OSError:
            if not left:
                raise


def fill_disk(pid: int, home: str) -> None:
    """Fill the node's disk. Call it in a process of its own."""
    enter(pid)
    for path in TEMPORARY:
        shrink(path)
    mount("tmpfs", STAGE, "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,nr_inodes=64,mode=0755")
    upper, work = STAGE + "/upper", STAGE + "/work"
    try:
        os.mkdir(upper, os.stat(home).st_mode & 0o7777)
        os.mkdir(work, 0o700)
        options = f"userxattr,lowerdir={home},upperdir={upper},workdir={work}"
        mount("overlay", home, "overlay", MS_NOSUID | MS_NODEV, options)
        shrink(STAGE)
    finally:
        check(libc.umount2(STAGE.encode(), MNT_DETACH), "unmount")  # the overlay keeps it


def free_disk(pid: int, home: str, size: int) -> None:
    """Make room again: `size` bytes in each folder for temporary files. Call it in a process of its own."""
    enter(pid)
    for path in TEMPORARY:
        resize(path, size, max(1024, size >> 12))
    check(libc.umount2(home.encode(), MNT_DETACH), "unmount the home")
