"""Execute a program in a forked child, list the programs of the node, and signal them.

Runs inside a node: standard library only.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import signal
import sys
import termios

from jobs.simulator.node_runtime.process_limits import OPEN_FILES, limit_processes, set_oom_score

PIPE_BYTES = 1 << 18
F_SETPIPE_SZ = 1031
PR_SET_DUMPABLE, PROGRAMS_OOM_SCORE = 4, 700
NICE = 10  # programs give way to the agent, the simulator and the portal
IGNORED_BY_AGENT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def become_program(
    program: str,
    argv: list[str],
    env: dict[str, str],
    cwd: str,
    streams: tuple[int, int, int],
    terminal: bool,
) -> None:
    """In the child: execute the program. Never returns."""
    try:
        os.setsid()
        for target, source in enumerate(streams):
            os.dup2(source, target)
        if terminal:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        # Python and the agent ignore some signals for themselves; the program must not inherit that.
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, *IGNORED_BY_AGENT):
            signal.signal(number, signal.SIG_DFL)
        os.closerange(3, OPEN_FILES)
        offer_to_the_kernel()
        os.umask(0o022)
        os.nice(NICE)
        limit_processes(0)
        try:
            os.chdir(cwd)
        except OSError:
            os.chdir("/")
        os.execve(program, argv, env)  # noqa: S606 - the person's own program, as themselves
    except (OSError, ValueError) as error:
        os.write(2, f"cannot start {program}: {error}\n".encode())
    finally:
        os._exit(127)


def offer_to_the_kernel() -> None:
    """In the child: when memory ends, let the kernel kill this program and not the agent, which has a lower score.

    A file in /proc is a program's own only if it is dumpable, which the agent is not, and so neither is its child until
    it has executed something. It has nothing of the agent's open any more.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
        set_oom_score(PROGRAMS_OOM_SCORE)


def enlarge_pipes(*pipes: int) -> None:
    """Let pipes hold more, so that each turn moves more. Where the system refuses, they keep their usual size."""
    for pipe in pipes:
        try:
            fcntl.fcntl(pipe, F_SETPIPE_SZ, PIPE_BYTES)
        except OSError:
            return


def descendants() -> list[int]:
    """Return every process below this one, for an agent that is not process 1 of a namespace."""
    parents: dict[int, list[int]] = {}
    try:
        numbers = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []
    for pid in numbers:
        try:
            with open(f"/proc/{pid}/stat") as file:
                parents.setdefault(int(file.read().rpartition(")")[2].split()[1]), []).append(pid)
        except (OSError, IndexError, ValueError):
            continue
    found, todo = [], [os.getpid()]
    while todo:
        children = parents.get(todo.pop(), [])
        found += children
        todo += children
    return found


def signal_all(number: int) -> None:
    """Signal every process of the node but the agent."""
    if os.getpid() == 1:
        try:
            os.kill(-1, number)
        except ProcessLookupError:
            pass
        return
    for pid in descendants():
        try:
            os.kill(pid, number)
        except OSError:
            continue


def has_programs() -> bool:
    """Return whether any process but the agent is left. Orphans become the agent's children, so a child is enough."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    except OSError as error:
        return error.errno != errno.ECHILD
    return True
