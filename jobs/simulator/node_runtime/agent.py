"""Start programs and open sockets inside a node, and pass their descriptors to the simulator.

The agent is process 1 of the node's sandbox (elsewhere: an ordinary process). It reads one JSON object per line from a
unix socket, replies with one, and attaches open descriptors to the reply (SCM_RIGHTS). It holds no secret and speaks no
SSH. When it is told so, or its launcher ends, it exits and the node's processes end with it, as if the power was cut.
When the socket closes without a word, the simulator was killed: the node lives on, and the next simulator connects to
the listening socket that the agent has.

Standard library only, Python 3.9 or later: whatever interpreter the sandbox can see runs it, from compiled copies of
this file and of those it imports (`sandbox.agent_install.AGENT_MODULES`).
"""

from __future__ import (
    annotations,
)  # and no typing at run time: every import is time that a booting node waits

import array
import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import struct
import sys
import termios
import threading
import time

from jobs.simulator.node_runtime import home_files, sockets, syscall_filter
from jobs.simulator.node_runtime.child_ends import ChildEnds
from jobs.simulator.node_runtime.limits_guard import Guard, relieve_machine
from jobs.simulator.node_runtime.process_limits import set_limits
from jobs.simulator.node_runtime.programs import (
    IGNORED_BY_AGENT,
    become_program,
    enlarge_pipes,
    has_programs,
    signal_all,
)
from jobs.simulator.node_runtime.terminal_modes import set_modes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PR_SET_DUMPABLE, PR_SET_NAME, PR_SET_CHILD_SUBREAPER = 4, 15, 36
# The name of the process that sessions are children of, in /proc/<pid>/comm (docs/idle.md).
NAME = b"headnode-agent"
LONGEST_LINE = 4 << 20
CONNECTS_AT_ONCE = 64


class Refusal(Exception):
    """A request that cannot be carried out; the text goes back to the simulator."""


class Agent:
    """One node's agent: each method named `do_...` carries out one kind of request."""

    def __init__(self, control: socket.socket, listener: socket.socket, guard: Guard) -> None:
        self.control: socket.socket | None = control
        self.listener = listener
        self.is_over = self.filtered = False
        self.guard = guard
        self.sending = threading.Lock()
        self.connects = threading.BoundedSemaphore(CONNECTS_AT_ONCE)
        self.terminals: dict[int, str] = {}
        self.programs: set[int] = set()
        self.guard_at = 0.0
        self.ended = ChildEnds()

    # -- the control socket -------------------------------------------------------------------

    def send(self, message: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
        """Send one line with descriptors, and close them here. Nothing is sent while there is no simulator."""
        line = json.dumps(dict(message, fds=len(descriptors))).encode() + b"\n"
        try:
            with self.sending:
                if self.control is not None:
                    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
                    sent = self.control.sendmsg([line], rights if descriptors else [])
                    self.control.sendall(line[sent:])
        except OSError:
            pass  # the simulator is gone: reading from the socket tells
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def serve(self) -> None:
        """Carry out requests until the power is cut; reap children as they end."""
        self.ended.listen()
        poll = select.poll()
        poll.register(self.listener, select.POLLIN)
        poll.register(self.ended.descriptor, select.POLLIN)
        if self.control is not None:
            poll.register(self.control, select.POLLIN)
        buffer = b""
        while not self.is_over:
            # While no program runs there is nothing to guard, and an idle node does nothing at all.
            ready = [
                descriptor for descriptor, _ in poll.poll(self.guard.wait_ms if has_programs() else None)
            ]
            self.run_guard()
            if self.ended.descriptor in ready:
                self.ended.clear()
                self.reap()
            if self.listener.fileno() in ready:
                self.meet_simulator(poll)
                buffer = b""
                continue
            control = self.control
            if control is None or control.fileno() not in ready:
                continue
            try:
                chunk = control.recv(65536)
            except OSError:
                chunk = b""
            if not chunk or len(buffer) > LONGEST_LINE:
                self.lose_simulator(poll)
                buffer = b""
                continue
            buffer += chunk
            *lines, buffer = buffer.split(b"\n")
            for line in lines:
                self.handle(json.loads(line))

    def lose_simulator(self, poll: select.poll) -> None:
        """Forget the simulator: it is gone."""
        with self.sending:
            control, self.control = self.control, None
        if control is not None:
            poll.unregister(control)
            control.close()

    def meet_simulator(self, poll: select.poll) -> None:
        """Accept a connection of the next simulator."""
        try:
            control, _ = self.listener.accept()
        except OSError:
            return
        self.lose_simulator(poll)
        poll.register(control, select.POLLIN)
        with self.sending:
            self.control = control
        self.send(self.greeting())

    def greeting(self) -> dict[str, Any]:
        """Return the first message to a simulator."""
        return {"ready": os.getpid(), "filtered": self.filtered}

    def do_cut_power(self, number: int) -> None:
        """End everything on the node at once, without a reply."""
        self.is_over = True

    def run_guard(self) -> None:
        """Let the guard look when it is time to, and report what it did."""
        now = time.monotonic()
        if now < self.guard_at:
            return
        for notice in self.guard.check():
            self.report_notice(notice)
        self.guard_at = time.monotonic() + self.guard.wait_ms / 1000

    def report_notice(self, notice: str) -> None:
        """Send a notice to the simulator and write it to every terminal."""
        self.send({"notice": notice})
        self.write_to_terminals(f"\r\n{notice}\r\n")

    def handle(self, request: dict[str, Any]) -> None:
        """Carry out one request. An error is a reply, never the end of the node."""
        number = request.get("id")
        try:
            handler: Callable[..., None] = getattr(self, "do_" + str(request.get("do")))
            handler(number, **request.get("with", {}))
        except (Refusal, OSError, ValueError, TypeError, AttributeError, RuntimeError) as error:
            self.send({"id": number, "error": str(error), "errno": getattr(error, "errno", None)})

    def reap(self) -> None:
        """Collect every ended child, orphans included, and report the programs among them."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self.terminals.pop(pid, None)
            if pid in self.programs:
                self.programs.discard(pid)
                code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
                self.send({"exited": pid, "code": code, "core": os.WCOREDUMP(status)})

    # -- programs -----------------------------------------------------------------------------

    def do_spawn(
        self,
        number: int,
        argv: list[str],
        program: str,
        env: dict[str, str],
        cwd: str,
        pty: dict[str, Any] | None,
    ) -> None:
        """Start a program on a terminal of its own or on three pipes."""
        if pty is not None:
            theirs, ours = open_terminal(pty)
            env["SSH_TTY"] = os.ttyname(theirs[0])
        else:
            theirs, ours = open_pipes()
        try:
            pid = os.fork()
        except OSError as error:
            for descriptor in {*theirs, *ours}:
                os.close(descriptor)
            raise Refusal(f"the node cannot start another process: {error.strerror}") from None
        if pid == 0:
            become_program(program, argv, env, cwd, theirs, pty is not None)
        for descriptor in set(theirs):
            os.close(descriptor)
        self.programs.add(pid)
        if pty is not None:
            self.terminals[pid] = env["SSH_TTY"]
        self.send({"id": number, "pid": pid}, ours)

    def do_signal(self, number: int, pid: int, name: str) -> None:
        """Signal the session that a program leads."""
        if pid not in self.programs:
            raise Refusal("that program has ended")
        os.killpg(pid, getattr(signal, "SIG" + name))
        self.send({"id": number})

    def do_broadcast(self, number: int, text: str) -> None:
        """Write to every terminal, as `wall` does."""
        self.write_to_terminals(text)
        self.send({"id": number})

    def write_to_terminals(self, text: str) -> None:
        """Write to every terminal. One that nobody reads is skipped, never waited for."""
        for name in list(self.terminals.values()):
            try:
                descriptor = os.open(name, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
            except OSError:
                continue
            try:
                os.write(descriptor, text.encode())
            except OSError:
                pass
            finally:
                os.close(descriptor)

    def do_used_memory(self, number: int) -> None:
        """Return how many bytes of memory the node's programs use."""
        self.send({"id": number, "bytes": self.guard.used_bytes()})

    def do_relieve(self, number: int) -> None:
        """Kill the largest program, to give memory back to the machine."""
        notice = relieve_machine(self.guard.kept)
        if notice:
            self.report_notice(notice)
        self.send({"id": number})

    def do_halt(self, number: int, grace_seconds: float) -> None:
        """End every process: TERM, the grace (less when all are gone), KILL; then end the node.

        Shells on a terminal ignore TERM, so those get a hang-up. Others do not: it would end them before they could
        do what they do at TERM.
        """
        signal_all(signal.SIGTERM)
        for pid in self.terminals:
            os.kill(pid, signal.SIGHUP)
        signal_all(signal.SIGCONT)
        self.wait_for_programs(grace_seconds)
        signal_all(signal.SIGKILL)
        self.wait_for_programs(1)
        self.send({"id": number})
        os._exit(0)

    def wait_for_programs(self, seconds: float) -> None:
        """Reap until no program is left, at most so many seconds."""
        deadline = time.monotonic() + seconds
        self.reap()
        while has_programs() and self.ended.wait(deadline - time.monotonic()):
            self.reap()

    # -- sockets ------------------------------------------------------------------------------

    def do_connect(self, number: int, host: str, port: int) -> None:
        """Connect to a TCP port as seen from inside the node."""
        self.connect_in_thread(number, lambda: sockets.connect_tcp(host, port))

    def do_connect_unix(self, number: int, path: str) -> None:
        """Connect to a unix socket of the node."""
        self.connect_in_thread(number, lambda: sockets.connect_unix(path))

    def connect_in_thread(self, number: int, connect: Callable[[], socket.socket]) -> None:
        """Connect in a thread, so that a slow name or a full queue delays no other request."""
        if not self.connects.acquire(blocking=False):
            raise Refusal("too many connections are being opened at once")

        def work() -> None:
            try:
                self.send({"id": number}, (connect().detach(),))
            except (OSError, ValueError, OverflowError) as error:
                self.send({"id": number, "error": str(error)})
            finally:
                self.connects.release()

        threading.Thread(target=work, daemon=True).start()

    def do_listen(self, number: int, host: str, port: int) -> None:
        """Listen on a TCP port inside the node; the simulator accepts."""
        listener = sockets.listen_tcp(host, port)
        self.send({"id": number, "port": listener.getsockname()[1]}, (listener.detach(),))

    def do_listen_unix(self, number: int, path: str) -> None:
        """Listen on a unix socket; without a path, on a new one in a private folder."""
        path = path or os.path.join(sockets.make_private_folder(), "agent")
        self.send({"id": number, "path": path}, (sockets.listen_unix(path).detach(),))

    # -- files of the home --------------------------------------------------------------------

    def do_read_file(self, number: int, path: str, limit: int) -> None:
        """Return the text of a regular file, at most `limit` bytes of it."""
        self.send({"id": number, "text": home_files.read_text(path, limit)})

    def do_make_missing(self, number: int, folders: list[str], files: dict[str, str]) -> None:
        """Make folders and files that are missing."""
        home_files.make_missing(folders, files)
        self.send({"id": number})

    def do_add_cookie(self, number: int, path: str, display: str, protocol: str, cookie: str) -> None:
        """Add an X11 cookie for a display of this node to the home's .Xauthority."""
        home_files.add_cookie(path, display, protocol, cookie)
        self.send({"id": number})


def open_terminal(pty: dict[str, Any]) -> tuple[tuple[int, int, int], tuple[int, ...]]:
    """Open a terminal; return the program's three descriptors and the simulator's one."""
    master, slave = os.openpty()
    set_modes(slave, pty.get("modes") or {})
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", *pty["size"]))
    return (slave, slave, slave), (master,)


def open_pipes() -> tuple[tuple[int, int, int], tuple[int, ...]]:
    """Open three pipes; return the program's descriptors and the simulator's: input, output, errors."""
    (in_read, in_write), (out_read, out_write), (err_read, err_write) = os.pipe(), os.pipe(), os.pipe()
    enlarge_pipes(in_write, out_write)
    return (in_read, out_write, err_write), (in_write, out_read, err_read)


def protect_from_programs() -> None:
    """Deny the node's programs, which share this user, to trace the agent or read its descriptors in /proc."""
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux" and (
        libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 or libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0
    ):
        sys.exit("cannot protect the agent from the node's own programs")
    if sys.platform == "linux":
        libc.prctl(PR_SET_NAME, NAME, 0, 0, 0)
    for number in IGNORED_BY_AGENT:
        signal.signal(number, signal.SIG_IGN)


def end_node(*_: object) -> None:
    """Handle the launcher's order to end the node, where killing the agent would not end its programs."""
    if os.getpid() != 1:
        signal_all(signal.SIGKILL)
        os._exit(0)


def main() -> None:
    """Serve on the descriptor that is the first argument, and on connections to the one that is the last.

    Those between: file size and memory in MB, processes.
    """
    protect_from_programs()
    file_mb, memory_mb, processes = map(int, sys.argv[2:5])
    set_limits(file_mb, memory_mb, processes)
    control, listener = (socket.socket(fileno=int(number)) for number in (sys.argv[1], sys.argv[5]))
    for each in (control, listener):
        os.set_inheritable(each.fileno(), False)
    listener.setblocking(False)
    signal.signal(signal.SIGUSR1, end_node)
    agent = Agent(control, listener, Guard(memory_mb, processes))
    agent.filtered = syscall_filter.install()
    agent.send(agent.greeting())
    try:
        agent.serve()
    finally:
        if os.getpid() != 1:
            signal_all(signal.SIGKILL)
        os._exit(0)
