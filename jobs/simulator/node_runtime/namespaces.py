"""Steps by which the launcher gives up root and enters namespaces of its own. Standard library only."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import struct
import sys

from jobs.simulator.node_runtime.libc import check, libc

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE, MS_NOSUID, MS_NODEV, MS_NOEXEC = 4096, 16384, 1 << 18, 2, 4, 8
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP = 1, 4, 24
CAPABILITIES = 64
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
KEYCTL, KEYCTL_JOIN_SESSION_KEYRING = {"x86_64": 250, "aarch64": 219}, 1
LINUX = sys.platform == "linux"
# The kernel counts terminals for the whole machine (kernel.pty.max, 4096, of which others keep 1024).
MOST_TERMINALS = 128
TERMINALS = f"newinstance,ptmxmode=0666,mode=0620,max={MOST_TERMINALS}"


def die_with(parent: int) -> None:
    """Ask the kernel to kill this process when its parent dies; exit at once if it already has."""
    if LINUX:
        check(libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0), "parent death signal")
    if os.getppid() != parent:
        os._exit(0)


def stage_folders(root: str, folders: list[tuple[str, str]]) -> None:
    """In a private mount namespace, show each folder under a name below `root`, hiding what was there."""
    check(libc.unshare(CLONE_NEWNS), "mount namespace")
    check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "private mounts")
    # Opened first: `root` may be about to cover the folder that they are in.
    opened = [(os.open(source, getattr(os, "O_PATH", os.O_RDONLY)), name) for source, name in folders]
    check(
        libc.mount(b"tmpfs", root.encode(), b"tmpfs", MS_NOSUID | MS_NODEV, b"mode=0755,size=64k"),
        "staging folder",
    )
    for descriptor, name in opened:
        target = os.path.join(root, name)
        os.mkdir(target, 0o755)
        source = f"/proc/self/fd/{descriptor}"
        check(libc.mount(source.encode(), target.encode(), None, MS_BIND | MS_REC, None), f"staging {name}")
        os.close(descriptor)


def leave_session_keyring() -> None:
    """Leave the keys of whoever started the portal: join a new session keyring, which only this cluster has."""
    number = KEYCTL.get(os.uname().machine)
    if LINUX and number is not None:
        # Fails where the kernel has no keys, or the user no more room for one; programs cannot ask for keys anyway.
        libc.syscall(number, KEYCTL_JOIN_SESSION_KEYRING, None)


def protect_from_programs() -> None:
    """Deny the cluster's programs, which have the same user, to trace this process or read its descriptors in /proc."""
    if LINUX:
        check(libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "dumpable")


def drop_root(uid: int, gid: int) -> None:
    """Become an ordinary user for good: no supplementary groups, no capability."""
    if LINUX:
        for capability in range(CAPABILITIES):
            libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # fails for those that this kernel does not know
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if LINUX:
        # The change of user made /proc/self root's; the uid map below is written through it.
        check(libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), "dumpable")


def enter_own_network() -> None:
    """Enter a user namespace that owns a network namespace with its loopback up and every port free to bind."""
    uid, gid = os.getuid(), os.getgid()
    check(libc.unshare(CLONE_NEWUSER | CLONE_NEWNET), "user and network namespace")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        with open("/proc/self/" + name, "w") as file:
            file.write(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        request = fcntl.ioctl(probe, SIOCGIFFLAGS, struct.pack("16sh14x", b"lo", 0))
        (flags,) = struct.unpack_from("h", request, 16)
        fcntl.ioctl(probe, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))
    try:
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", "w") as file:
            file.write("0")
    except OSError:
        pass  # only port 22 inside the cluster needs it


def show_own_terminals() -> None:
    """In a mount namespace of its own, cover /dev/pts with one that has a limit: bubblewrap's has none.

    Call it in a user namespace of the cluster's. bubblewrap then shows this one to the node.
    """
    check(libc.unshare(CLONE_NEWNS), "mount namespace")
    flags = MS_NOSUID | MS_NOEXEC
    check(libc.mount(b"devpts", b"/dev/pts", b"devpts", flags, TERMINALS.encode()), "terminals")
