"""The process inside a node: starts programs, opens sockets, and hands the descriptors out.

It runs as process 1 of the node's sandbox (elsewhere: as an ordinary process), reads one JSON object per line from
a unix socket, answers with one, and attaches open descriptors to the answer (SCM_RIGHTS). It holds no secret and
speaks no SSH. When the socket closes it exits, and the node's processes go with it: that is pulling the plug.

Standard library only, Python 3.9 or later: it is run by whatever interpreter the sandbox can see, from compiled
copies of this file and of those it imports (`protection.AGENT_MODULES`); there is nothing else.
"""

from __future__ import annotations  # and no typing at run time: every import is time a booting node waits

import array
import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import stat
import struct
import sys
import termios
import threading
import time

from jobs.simulator.node_runtime.guard import Guard, relieve, used_bytes
from jobs.simulator.node_runtime.programs import UNHEEDED, become, limit, others, set_modes, signal_all, widen
from jobs.simulator.node_runtime.xauthority import with_cookie

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 4, 36
LONGEST_LINE = 4 << 20
DIALS_AT_ONCE = 64
DIAL_SECONDS = 10
XAUTHORITY_BYTES = 1 << 20


class Refusal(Exception):
    """What was asked cannot be done; the text goes back to the simulator."""


class Agent:
    """One node's hands: every public method named `do_...` answers one request."""

    def __init__(self, control: socket.socket, guard: Guard) -> None:
        self.control = control
        self.guard = guard
        self.sending = threading.Lock()
        self.dials = threading.BoundedSemaphore(DIALS_AT_ONCE)
        self.terminals: dict[int, str] = {}
        self.programs: set[int] = set()
        self.guard_at = 0.0

    # -- the conversation ---------------------------------------------------------------------

    def say(self, answer: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
        """Send one line; the descriptors ride on its first byte and are closed here afterwards."""
        line = json.dumps(dict(answer, fds=len(descriptors))).encode() + b"\n"
        try:
            with self.sending:
                rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
                sent = self.control.sendmsg([line], rights if descriptors else [])
                self.control.sendall(line[sent:])
        except OSError:
            os._exit(0)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def serve(self) -> None:
        """Answer requests until the socket closes; reap children as they end."""
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        os.set_blocking(wake_read, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        waiting = select.poll()
        waiting.register(self.control, select.POLLIN)
        waiting.register(wake_read, select.POLLIN)
        buffer = b""
        while True:
            # While no program runs there is nothing to guard, and an idle node does nothing at all.
            ready = [descriptor for descriptor, _ in waiting.poll(self.guard.wait_ms if others() else None)]
            self.keep_guard()
            if wake_read in ready:
                os.read(wake_read, 4096)
                self.reap()
            if self.control.fileno() not in ready:
                continue
            chunk = self.control.recv(65536)
            if not chunk or len(buffer) > LONGEST_LINE:
                return
            buffer += chunk
            *lines, buffer = buffer.split(b"\n")
            for line in lines:
                self.answer(json.loads(line))

    def keep_guard(self) -> None:
        """Look after the node when it is time to; what was done is told outside and on every terminal."""
        now = time.monotonic()
        if now < self.guard_at:
            return
        for notice in self.guard.look():
            self.say({"notice": notice})
            self.write_all("\r\n%s\r\n" % notice)
        self.guard_at = time.monotonic() + self.guard.wait_ms / 1000

    def answer(self, request: dict[str, Any]) -> None:
        """Do one request; an error is an answer, never the end of the node."""
        number = request.get("id")
        try:
            handler: Callable[..., None] = getattr(self, "do_" + str(request.get("do")))
            handler(number, **request.get("with", {}))
        except (Refusal, OSError, ValueError, TypeError, AttributeError, RuntimeError) as error:
            self.say({"id": number, "error": str(error), "errno": getattr(error, "errno", None)})

    def reap(self) -> None:
        """Collect every ended child, ours and those orphaned to us, and tell about ours."""
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
                self.say({"exited": pid, "code": code, "core": os.WCOREDUMP(status)})

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
            master, slave = os.openpty()
            env["SSH_TTY"] = os.ttyname(slave)
            set_modes(slave, pty.get("modes") or {})
            fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", *pty["size"]))
            theirs, ours = (slave, slave, slave), [master]
        else:
            (in_read, in_write), (out_read, out_write), (err_read, err_write) = (
                os.pipe(),
                os.pipe(),
                os.pipe(),
            )
            widen(in_write, out_write)
            theirs, ours = (in_read, out_write, err_write), [in_write, out_read, err_read]
        try:
            pid = os.fork()
        except OSError as error:
            for descriptor in {*theirs, *ours}:
                os.close(descriptor)
            raise Refusal("the node cannot start another process: %s" % error.strerror) from None
        if pid == 0:
            become(program, argv, env, cwd, theirs, pty is not None)
        for descriptor in set(theirs):
            os.close(descriptor)
        self.programs.add(pid)
        if pty is not None:
            self.terminals[pid] = env["SSH_TTY"]
        self.say({"id": number, "pid": pid}, tuple(ours))

    def do_signal(self, number: int, pid: int, name: str) -> None:
        """Signal the session a program leads."""
        if pid not in self.programs:
            raise Refusal("that program has ended")
        os.killpg(pid, getattr(signal, "SIG" + name))
        self.say({"id": number})

    def do_broadcast(self, number: int, text: str) -> None:
        """Write to every terminal, as `wall` does."""
        self.write_all(text)
        self.say({"id": number})

    def write_all(self, text: str) -> None:
        """Write to every terminal; one that is not read is skipped, never waited for."""
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

    def do_memory(self, number: int) -> None:
        """How much memory the node's programs take."""
        self.say({"id": number, "bytes": used_bytes()})

    def do_relieve(self, number: int) -> None:
        """Give memory back to the machine: the largest program ends."""
        notice = relieve()
        if notice:
            self.say({"notice": notice})
            self.write_all("\r\n%s\r\n" % notice)
        self.say({"id": number})

    def do_halt(self, number: int, grace_seconds: float) -> None:
        """End every process: TERM, the grace (less when all are gone), KILL; then end the node.

        Shells on a terminal ignore TERM, so those get a hang-up. Others do not: it would end them before they could
        do what they do at TERM.
        """
        signal_all(signal.SIGTERM)
        for pid in self.terminals:
            os.kill(pid, signal.SIGHUP)
        signal_all(signal.SIGCONT)
        deadline = time.monotonic() + grace_seconds
        while others() and time.monotonic() < deadline:
            self.reap()
            time.sleep(0.01)
        signal_all(signal.SIGKILL)
        deadline = time.monotonic() + 1
        while others() and time.monotonic() < deadline:
            self.reap()
            time.sleep(0.005)
        self.reap()
        self.say({"id": number})
        os._exit(0)

    # -- sockets ------------------------------------------------------------------------------

    def do_dial(self, number: int, host: str, port: int) -> None:
        """Connect to a TCP port as seen from inside the node."""
        self.dial(number, lambda: socket.create_connection((host, port), DIAL_SECONDS))

    def do_dial_unix(self, number: int, path: str) -> None:
        """Connect to a unix socket of the node."""

        def connect() -> socket.socket:
            unix = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            unix.settimeout(DIAL_SECONDS)
            unix.connect(path)
            return unix

        self.dial(number, connect)

    def dial(self, number: int, connect: Callable[[], socket.socket]) -> None:
        """Connect in a thread, so that a slow name or a full queue holds up nobody else."""
        if not self.dials.acquire(blocking=False):
            raise Refusal("too many connections are being opened at once")

        def work() -> None:
            try:
                self.say({"id": number}, (connect().detach(),))
            except (OSError, ValueError, OverflowError) as error:
                self.say({"id": number, "error": str(error)})
            finally:
                self.dials.release()

        threading.Thread(target=work, daemon=True).start()

    def do_listen(self, number: int, host: str, port: int) -> None:
        """Listen on a TCP port inside the node; the simulator accepts."""
        found = socket.getaddrinfo(
            host or "127.0.0.1", port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(128)
        except OSError:
            listener.close()
            raise
        self.say({"id": number, "port": listener.getsockname()[1]}, (listener.detach(),))

    def do_listen_unix(self, number: int, path: str) -> None:
        """Listen on a unix socket; without a path, on a new one only its owner can reach."""
        path = path or os.path.join(private_folder(), "agent")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(path)
            os.chmod(path, 0o600)
            listener.listen(128)
        except OSError:
            listener.close()
            raise
        self.say({"id": number, "path": path}, (listener.detach(),))

    # -- files of the home --------------------------------------------------------------------

    def do_read(self, number: int, path: str, limit: int) -> None:
        """Read a regular file, at most `limit` bytes. A pipe or a device in its place must not stop the node."""
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Refusal("not a regular file")
            text = os.read(descriptor, limit).decode("utf-8", "replace")
        finally:
            os.close(descriptor)
        self.say({"id": number, "text": text})

    def do_furnish(self, number: int, folders: list[str], files: dict[str, str]) -> None:
        """Make folders and files that are missing; what a person already has stays as it is."""
        for folder in folders:
            os.makedirs(folder, mode=0o755, exist_ok=True)
        for path, text in files.items():
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
            except FileExistsError:
                continue
            with open(descriptor, "w") as file:
                file.write(text)
        self.say({"id": number})

    def do_cookie(self, number: int, path: str, display: str, protocol: str, cookie: str) -> None:
        """File an X11 cookie for a display of this node in the home."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY, 0o600)
        with open(descriptor, "r+b") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Refusal("not a regular file")
            filed = with_cookie(file.read(XAUTHORITY_BYTES), display, protocol, cookie)
            file.seek(0)
            file.write(filed)
            file.truncate()
        self.say({"id": number})


def private_folder() -> str:
    """A new folder in /tmp that only this user can enter."""
    path = "/tmp/ssh-" + os.urandom(8).hex()
    os.mkdir(path, 0o700)
    return path


def main() -> None:
    """Serve on the descriptor named on the command line; after it the limits: the largest file a program may write
    and the node's memory, both in MB, and its processes."""
    # Programs on the node share our uid: without this they could read our descriptors in /proc or trace us.
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux" and (
        libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 or libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0
    ):
        sys.exit("cannot protect the agent from the node's own programs")
    for number in UNHEEDED:
        signal.signal(number, signal.SIG_IGN)
    file_mb, memory_mb, processes = map(int, sys.argv[2:5])
    limit(file_mb, memory_mb, processes)
    control = socket.socket(fileno=int(sys.argv[1]))
    os.set_inheritable(control.fileno(), False)
    agent = Agent(control, Guard(memory_mb, processes))
    agent.say({"ready": os.getpid()})
    try:
        agent.serve()
    finally:
        if os.getpid() != 1:
            signal_all(signal.SIGKILL)
        os._exit(0)
