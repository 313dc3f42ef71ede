"""What the nodes of one cluster stand in: a process that gives up root, makes their network, and starts them.

One rack per cluster. It reads one JSON object per line from a unix socket: first its plan, then nodes to start, each
with two descriptors (the agent's control socket and a log). Steps, in this order:
  1. die with the simulator;
  2. as root: a mount namespace of its own where the few folders a node may see stand on a path that the cluster's
     user can reach (the state directory itself stays closed to it), then become that user, for good;
  3. a user and network namespace of the cluster's, with a switch that every node is wired to (`links`); where the
     kernel has none, the nodes share this one namespace and its loopback;
  4. start nodes (bubblewrap, or the agent itself where there is none) and say when they end;
  5. while they run: pull a node's cable, fill its disk (`full_disk`), and undo it.

Standard library only, like the two modules it is made with.
"""

from __future__ import annotations  # and no typing at run time: every import is time a booting node waits

import array
import fcntl
import json
import os
import select
import signal
import socket
import struct
import sys

from jobs.simulator.node_runtime import full_disk
from jobs.simulator.node_runtime.libc import check, libc
from jobs.simulator.node_runtime.network import Switch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE, MS_NOSUID, MS_NODEV = 4096, 16384, 1 << 18, 2, 4
PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
LINUX = sys.platform == "linux"
OOM_SCORE = "700"  # of 1000


def die_with(parent: int) -> None:
    """Ask the kernel to kill us when the simulator dies; exit at once if it already has."""
    if LINUX:
        check(libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0), "parent death signal")
    if os.getppid() != parent:
        os._exit(0)


def stage(root: str, places: list[tuple[str, str]]) -> None:
    """In a private mount namespace, put each folder on an open path under `root` (hiding what was there)."""
    check(libc.unshare(CLONE_NEWNS), "mount namespace")
    check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "private mounts")
    # Opened first: the folder they lie in may be the one that `root` is about to cover.
    opened = [(os.open(source, getattr(os, "O_PATH", os.O_RDONLY)), name) for source, name in places]
    check(
        libc.mount(b"tmpfs", root.encode(), b"tmpfs", MS_NOSUID | MS_NODEV, b"mode=0755,size=64k"),
        "staging folder",
    )
    for descriptor, name in opened:
        target = os.path.join(root, name)
        os.mkdir(target, 0o755)
        source = "/proc/self/fd/%d" % descriptor
        check(libc.mount(source.encode(), target.encode(), None, MS_BIND | MS_REC, None), "staging %s" % name)
        os.close(descriptor)


def offer_to_the_kernel() -> None:
    """Should the machine run out of memory, let it take this process before its own services."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write(OOM_SCORE)
    except OSError:
        pass  # not Linux, or a container that keeps its own order


def become(uid: int, gid: int) -> None:
    """Stop being root: no supplementary groups, no capability, no way back."""
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if LINUX:
        # The change of user made /proc/self root's; the uid map below is written through it.
        check(libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), "dumpable")


def own_network() -> None:
    """A user namespace that owns a network namespace: its loopback up, every port free to bind."""
    uid, gid = os.getuid(), os.getgid()
    check(libc.unshare(CLONE_NEWUSER | CLONE_NEWNET), "user and network namespace")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", "%d %d 1" % (uid, uid)),
        ("gid_map", "%d %d 1" % (gid, gid)),
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


def wired() -> Switch | None:
    """The cluster's switch; None where the kernel, or a container that closes /proc/sys, does not let us have one."""
    try:
        return Switch()
    except OSError:
        return None


class Launcher:
    """The running rack: requests in, started and ended nodes out."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.switch: Switch | None = None
        self.buffer = b""
        self.descriptors: list[int] = []
        self.children: dict[int, str] = {}
        self.ports: dict[str, int] = {}

    def say(self, **words: Any) -> None:
        """Tell the simulator; a simulator that is gone ends the rack."""
        try:
            self.control.sendall(json.dumps(words).encode() + b"\n")
        except OSError:
            self.end()

    def end(self) -> None:
        """Kill every node and leave."""
        for pid in self.children:
            os.kill(pid, signal.SIGKILL)
        os._exit(0)

    def receive(self) -> list[dict[str, Any]]:
        """Whole lines that have arrived; their descriptors queue up in order."""
        data, rights, _, _ = self.control.recvmsg(65536, socket.CMSG_SPACE(16 * 4))
        for level, kind, payload in rights:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                numbers = array.array("i")
                numbers.frombytes(payload[: len(payload) - len(payload) % numbers.itemsize])
                self.descriptors += numbers
        if not data:
            self.end()
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def do(self, request: dict[str, Any]) -> None:
        """One request."""
        if "argv" in request:
            self.start(request["node"], request["argv"], request["address"])
        elif "plugged" in request:
            self.tell(request, lambda: self.plug(request["node"], request["plugged"]))
        else:
            self.tell(request, lambda: self.change_disk(**request))

    def tell(self, request: dict[str, Any], work: Callable[[], None]) -> None:
        """Do something to a running node and say how it went."""
        try:
            work()
            error = ""
        except OSError as problem:
            error = str(problem)
        self.say(node=request["node"], did=dict(request), error=error)

    def plug(self, node: str, plugged: bool) -> None:
        """Pull the node's cable, or plug it in."""
        if self.switch is None:
            raise OSError("the nodes of this cluster share one network")
        self.switch.plug(self.ports[node], plugged)

    def change_disk(self, node: str, full: bool, home: str, size: int) -> None:
        """Fill the node's disk or make room. In a child: it leaves this process's namespaces for good."""
        sandbox = next((pid for pid, name in self.children.items() if name == node), 0)
        pid = full_disk.first_child(sandbox)
        read, write = os.pipe()
        worker = os.fork()
        if worker == 0:
            try:
                if full:
                    full_disk.fill(pid, home)
                else:
                    full_disk.empty(pid, home, size)
            except OSError as error:
                os.write(write, str(error).encode())
            finally:
                os._exit(0)
        os.close(write)
        with open(read) as file:
            said = file.read()
        os.waitpid(worker, 0)
        if said:
            raise OSError(said)

    def start(self, node: str, argv: list[str], address: str) -> None:
        """Fork and become the node's sandbox; the control socket is its descriptor 3, the log its output."""
        control, log = self.descriptors.pop(0), self.descriptors.pop(0)
        rack, port = os.getpid(), len(self.ports) + 1
        self.ports[node] = port
        pid = os.fork()
        if pid == 0:
            try:
                signal.set_wakeup_fd(-1)
                for number in (signal.SIGCHLD, signal.SIGPIPE):
                    signal.signal(number, signal.SIG_DFL)
                die_with(rack)
                os.setsid()
                offer_to_the_kernel()
                if self.switch is not None:
                    self.switch.attach(port, address)
                high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10) for descriptor in (control, log)]
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                os.dup2(high[1], 1)
                os.dup2(high[1], 2)
                os.dup2(high[0], 3)
                os.closerange(4, 256)
                os.execve(argv[0], argv, {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"})
            except OSError as error:
                os.write(2, ("cannot start the node: %s\n" % error).encode())
            finally:
                os._exit(127)
        os.close(control)
        os.close(log)
        self.children[pid] = node
        self.say(node=node, started=pid)

    def reap(self) -> None:
        """Say which nodes have ended."""
        while self.children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            node = self.children.pop(pid, None)
            if node is not None:
                self.say(node=node, ended=pid, status=status)

    def serve(self) -> None:
        """Start what is asked for until the simulator closes the socket."""
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        waiting = select.poll()
        waiting.register(self.control, select.POLLIN)
        waiting.register(wake_read, select.POLLIN)
        while True:
            ready = [descriptor for descriptor, _ in waiting.poll()]
            if wake_read in ready:
                os.read(wake_read, 4096)
                self.reap()
            if self.control.fileno() in ready:
                for request in self.receive():
                    self.do(request)


def main() -> None:
    """Prepare as the plan says, then serve."""
    parent = int(sys.argv[2])
    control = socket.socket(fileno=int(sys.argv[1]))
    os.set_inheritable(control.fileno(), False)
    die_with(parent)
    # Ctrl-C in a terminal reaches the whole process group; the simulator ends us in its own order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    rack = Launcher(control)
    lines: list[dict[str, Any]] = []
    while not lines:
        lines = rack.receive()
    plan = lines[0]
    try:
        if plan["stage"]:
            stage(plan["stage"], [(source, name) for source, name in plan["places"]])
        if plan["uid"] is not None:
            become(plan["uid"], plan["gid"])
            die_with(parent)
        if plan["network"]:
            own_network()
            die_with(parent)
            if plan["links"]:
                rack.switch = wired()
    except (OSError, ValueError) as error:
        rack.say(failed=str(error))
        os._exit(1)
    os.chdir("/")
    rack.say(ready=os.getpid(), links=rack.switch is not None)
    rack.serve()
