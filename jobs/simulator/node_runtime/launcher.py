"""Start the nodes of one cluster, after giving up root and making the cluster's network.

One launcher process per cluster. It reads one JSON object per line from a unix socket: first its plan, then nodes to
start, each with two descriptors (the agent's control socket and a log). In this order it
  1. starts a session of its own;
  2. as root, makes a mount namespace where the few folders that a node may see stand on a path that the cluster's user
     can reach (the state directory itself stays closed to it), and becomes that user for good; either way it leaves
     the session keyring of whoever started the portal; without bubblewrap, the mount namespace has a root folder of
     the cluster's own (`own_root`);
  3. makes the cluster's user and network namespace, with a bridge that every node is connected to (`network`); where
     the kernel has none, the nodes share this one namespace and its loopback;
  4. starts nodes (bubblewrap, or the agent itself where there is none) and reports when they end;
  5. while they run, takes a node's link down or fills its disk (`full_disk`), and undoes it.

When the simulator is gone without a word, nodes live on: the launcher waits for the next simulator, which connects to
the listening socket that came with the plan, for ORPHAN_SECONDS at most. It ends at once, with all nodes, when the
lifeline closes: a pipe whose other end is held by whoever is responsible for the simulator.

Standard library only, like the modules it imports.
"""

from __future__ import (
    annotations,
)  # and no typing at run time: every import is time that a booting node waits

import array
import fcntl
import json
import os
import select
import signal
import socket
import sys
import time

from jobs.simulator.node_runtime import full_disk, namespaces, own_root
from jobs.simulator.node_runtime.child_ends import ChildEnds
from jobs.simulator.node_runtime.network import ClusterNetwork
from jobs.simulator.node_runtime.process_limits import set_oom_score

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# Before the machine's own services; a node's programs have more (`programs.PROGRAMS_OOM_SCORE`).
NODES_OOM_SCORE = 600
ORPHAN_SECONDS = 120.0
END_SECONDS = 2.0
NODE_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}


def make_network() -> ClusterNetwork | None:
    """Return the cluster's network; None where the kernel, or a container that closes /proc/sys, allows none."""
    try:
        return ClusterNetwork()
    except OSError:
        return None


def enter_groups(entries: list[int]) -> None:
    """Enter control groups. Where an older kernel does not let this user, the simulator finds the groups empty."""
    for entry in entries:
        try:
            os.write(entry, b"0")
        except OSError:
            continue


class Launcher:
    """The running launcher: reads requests, reports started and ended nodes."""

    def __init__(self, control: socket.socket, lifeline: int) -> None:
        self.control: socket.socket | None = control
        self.listener: socket.socket | None = None
        self.lifeline = lifeline
        self.is_sandboxed = False
        self.links_down: set[str] = set()
        self.disks_full: set[str] = set()
        self.network: ClusterNetwork | None = None
        self.buffer = b""
        self.descriptors: list[int] = []
        self.children: dict[int, str] = {}
        self.ports: dict[str, int] = {}
        self.ended = ChildEnds()

    def send(self, **message: Any) -> None:
        """Send a message to the simulator, if there is one."""
        try:
            if self.control is not None:
                self.control.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            self.lose_simulator()

    def lose_simulator(self) -> None:
        """Note that the simulator is gone; exit if no other can come."""
        if self.listener is None:
            self.exit()
        if self.control is not None:
            self.control.close()
            self.control = None
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors, self.buffer = [], b""

    def meet_simulator(self) -> None:
        """Accept a connection of the next simulator, and tell it what there is."""
        if self.listener is None:
            return
        try:
            control, _ = self.listener.accept()
        except OSError:
            return
        self.lose_simulator()
        self.control = control
        self.send(
            ready=os.getpid(),
            network_per_node=self.network is not None,
            nodes=sorted(self.children.values()),
            links_down=sorted(self.links_down),
            disks_full=sorted(self.disks_full),
        )

    def exit(self) -> None:
        """Kill every node and exit. Outside a sandbox, agents get END_SECONDS to end their programs."""
        for pid in list(self.children):
            self.kill(pid)
        self.listener = self.control = None  # nobody is told any more
        until = time.monotonic() + END_SECONDS
        # The kernel would kill the agents only, and not what they have started.
        while not self.is_sandboxed and self.children and self.ended.wait(until - time.monotonic()):
            self.reap()
        os._exit(0)

    def kill(self, pid: int) -> None:
        """Kill a node with all its programs. Outside a sandbox its agent has to do that, at this signal."""
        try:
            os.kill(pid, signal.SIGKILL if self.is_sandboxed else signal.SIGUSR1)
            os.kill(pid, signal.SIGCONT)
        except OSError:
            pass

    def receive(self) -> list[dict[str, Any]]:
        """Return the complete lines that have arrived; their descriptors are queued in order."""
        if self.control is None:
            return []
        try:
            data, rights, _, _ = self.control.recvmsg(65536, socket.CMSG_SPACE(16 * 4))
        except OSError:
            data, rights = b"", []
        for level, kind, payload in rights:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                numbers = array.array("i")
                numbers.frombytes(payload[: len(payload) - len(payload) % numbers.itemsize])
                self.descriptors += numbers
        if not data:
            self.lose_simulator()
            return []
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def handle(self, request: dict[str, Any]) -> None:
        """Carry out one request."""
        if "argv" in request:
            self.start_node(request["node"], request["argv"], request["address"], request["groups"])
        elif "kill" in request:
            for pid in [pid for pid, node in self.children.items() if node == request["kill"]]:
                self.kill(pid)
        elif "link_up" in request:
            self.change(request, lambda: self.set_link(request["node"], request["link_up"]))
        else:
            self.change(request, lambda: self.change_disk(**request))

    def change(self, request: dict[str, Any], work: Callable[[], None]) -> None:
        """Change a running node and report the error, or an empty text."""
        try:
            work()
            error = ""
        except OSError as problem:
            error = str(problem)
        self.send(node=request["node"], did=dict(request), error=error)

    def set_link(self, node: str, up: bool) -> None:
        """Take the node's link down, or bring it up."""
        if self.network is None:
            raise OSError("the nodes of this cluster share one network")
        self.network.set_link(self.ports[node], up)
        (self.links_down.discard if up else self.links_down.add)(node)

    def change_disk(self, node: str, full: bool, home: str, size: int) -> None:
        """Fill the node's disk or make room, in a child: it leaves this process's namespaces for good."""
        sandbox = next((pid for pid, name in self.children.items() if name == node), 0)
        pid = full_disk.first_child(sandbox)
        read_end, write_end = os.pipe()
        worker = os.fork()
        if worker == 0:
            try:
                if full:
                    full_disk.fill_disk(pid, home)
                else:
                    full_disk.free_disk(pid, home, size)
            except OSError as error:
                os.write(write_end, str(error).encode())
            finally:
                os._exit(0)
        os.close(write_end)
        with open(read_end) as file:
            error_text = file.read()
        os.waitpid(worker, 0)
        if error_text:
            raise OSError(error_text)
        (self.disks_full.add if full else self.disks_full.discard)(node)

    def start_node(self, node: str, argv: list[str], address: str, groups: int) -> None:
        """Fork and become the node's sandbox. Its descriptor 3 is the control socket, 4 listens for the next one.

        After those and the log, `groups` more descriptors have arrived: by writing to them a process enters a control
        group.
        """
        control, log, listener, *entries = (self.descriptors.pop(0) for _ in range(3 + groups))
        launcher, port = os.getpid(), max(self.ports.values(), default=0) + 1
        self.ports[node] = port
        self.links_down.discard(node)
        self.disks_full.discard(node)
        pid = os.fork()
        if pid == 0:
            try:
                enter_groups(entries)
                self.become_node(launcher, argv, port, address, control, log, listener)
            except OSError as error:
                os.write(2, f"cannot start the node: {error}\n".encode())
            finally:
                os._exit(127)
        for descriptor in (control, log, listener, *entries):
            os.close(descriptor)
        self.children[pid] = node
        self.send(node=node, started=pid)

    def become_node(
        self, launcher: int, argv: list[str], port: int, address: str, control: int, log: int, listener: int
    ) -> None:
        """In the child: enter the node's network and execute its command. Never returns unless it fails."""
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        namespaces.die_with(launcher)
        os.setsid()
        set_oom_score(NODES_OOM_SCORE)
        if self.network is not None:
            self.network.attach_node(port, address)
        if self.is_sandboxed:
            namespaces.show_own_terminals()
        # Moved out of the way first: they may be among the descriptors 0 to 4 that are about to be replaced.
        high_control, high_log, high_listener = (
            fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10) for descriptor in (control, log, listener)
        )
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(high_log, 1)
        os.dup2(high_log, 2)
        os.dup2(high_control, 3)
        os.dup2(high_listener, 4)
        os.closerange(5, 256)
        os.execve(argv[0], argv, NODE_ENVIRONMENT)

    def reap(self) -> None:
        """Report which nodes have ended."""
        while self.children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            node = self.children.pop(pid, None)
            if node is not None:
                self.send(node=node, ended=pid, status=status)

    def serve(self) -> None:
        """Carry out requests until there is no simulator any more, and none is to be expected."""
        self.ended.listen()
        lost_at = 0.0
        while True:
            control, listener = self.control, self.listener
            poll = select.poll()
            lifeline = self.lifeline if self.lifeline >= 0 else None
            for source in (control, listener, self.ended.descriptor, lifeline):
                if source is not None:
                    poll.register(source, select.POLLIN)
            if control is not None:
                lost_at = 0.0
            lost_at = lost_at or time.monotonic()
            left = (
                None if control is not None else max(0.0, lost_at + ORPHAN_SECONDS - time.monotonic()) * 1000
            )
            ready = [descriptor for descriptor, _ in poll.poll(left)]
            if self.lifeline in ready or (not ready and control is None):
                self.exit()
            if self.ended.descriptor in ready:
                self.ended.clear()
                self.reap()
            if control is not None and control.fileno() in ready:
                for request in self.receive():
                    self.handle(request)
            if listener is not None and listener.fileno() in ready:
                self.meet_simulator()


def follow_plan(launcher: Launcher, plan: dict[str, Any]) -> None:
    """Take the steps of the plan that come before any node. Raises OSError or ValueError if the system refuses."""
    if plan["stage"]:
        namespaces.stage_folders(plan["stage"], [(source, name) for source, name in plan["folders"]])
    if os.geteuid() == 0:
        set_oom_score(NODES_OOM_SCORE)  # set with CAP_SYS_RESOURCE, no program can lower it again
    if plan["own_root"] is not None:
        own_root.enter_own_root(plan["own_root"])
    if plan["uid"] is not None:
        namespaces.drop_root(plan["uid"], plan["gid"])
    namespaces.leave_session_keyring()
    if plan["own_network"]:
        launcher.is_sandboxed = True
        namespaces.enter_own_network()
        if plan["network_per_node"]:
            launcher.network = make_network()
    else:
        namespaces.protect_from_programs()


def main() -> None:
    """Prepare as the plan says, then serve."""
    control, lifeline = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
    os.set_inheritable(control.fileno(), False)
    if lifeline >= 0:
        os.set_inheritable(lifeline, False)
    os.setsid()  # what ends the simulator's process group does not end its nodes
    # Ctrl-C in a terminal reaches the whole process group; the simulator ends the launcher in its own order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    launcher = Launcher(control, lifeline)
    lines: list[dict[str, Any]] = []
    while not lines:
        lines = launcher.receive()
    try:
        follow_plan(launcher, lines[0])
    except (OSError, ValueError) as error:
        launcher.send(failed=str(error))
        os._exit(1)
    os.chdir("/")
    launcher.listener = socket.socket(fileno=launcher.descriptors.pop(0))
    launcher.listener.setblocking(False)
    launcher.send(ready=os.getpid(), network_per_node=launcher.network is not None)
    launcher.serve()
