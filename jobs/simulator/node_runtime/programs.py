"""The agent's programs: how one is started, given a terminal, found again and ended. Part of what runs inside a node.

Standard library only, Python 3.9 or later, like the agent itself.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import signal
import termios

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PIPE_BYTES = 1 << 18
NICE = 10  # programs give way to the agent, the simulator and the portal
LEAST_DATA_MB = 256
USER_PROCESSES, SPARE_PROCESSES = 4096, 32
most_processes = USER_PROCESSES
UNHEEDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# RFC 4254 section 8: terminal modes a client may send, by number.
CONTROL_CHARACTERS = {
    1: "VINTR", 2: "VQUIT", 3: "VERASE", 4: "VKILL", 5: "VEOF", 6: "VEOL", 7: "VEOL2", 8: "VSTART",
    9: "VSTOP", 10: "VSUSP", 12: "VREPRINT", 13: "VWERASE", 14: "VLNEXT", 18: "VDISCARD",
}  # fmt: skip
MODE_FLAGS = {
    30: (0, "IGNPAR"), 31: (0, "PARMRK"), 32: (0, "INPCK"), 33: (0, "ISTRIP"), 34: (0, "INLCR"),
    35: (0, "IGNCR"), 36: (0, "ICRNL"), 38: (0, "IXON"), 39: (0, "IXANY"), 40: (0, "IXOFF"),
    41: (0, "IMAXBEL"), 42: (0, "IUTF8"), 50: (3, "ISIG"), 51: (3, "ICANON"), 53: (3, "ECHO"),
    54: (3, "ECHOE"), 55: (3, "ECHOK"), 56: (3, "ECHONL"), 57: (3, "NOFLSH"), 58: (3, "TOSTOP"),
    59: (3, "IEXTEN"), 60: (3, "ECHOCTL"), 61: (3, "ECHOKE"), 62: (3, "PENDIN"), 70: (1, "OPOST"),
    72: (1, "ONLCR"), 73: (1, "OCRNL"), 74: (1, "ONOCR"), 75: (1, "ONLRET"),
}  # fmt: skip
IUTF8 = 0x4000  # termios names it only from Python 3.13 on; the value is Linux's


def become(
    program: str,
    argv: list[str],
    env: dict[str, str],
    cwd: str,
    streams: tuple[int, int, int],
    terminal: bool,
) -> None:
    """In the child: turn into the program. Never returns."""
    try:
        os.setsid()
        for target, source in enumerate(streams):
            os.dup2(source, target)
        if terminal:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        # What Python and the agent chose for themselves (to ignore SIGPIPE, TERM ...) is not the program's business.
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, *UNHEEDED):
            signal.signal(number, signal.SIG_DFL)
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


def set_modes(terminal: int, modes: dict[str, int]) -> None:
    """Give a terminal the modes the client's own terminal has (erase key, UTF-8, echo ...)."""
    attributes: list[Any] = termios.tcgetattr(terminal)
    for code, value in modes.items():
        number = int(code)
        if number in CONTROL_CHARACTERS:
            index = getattr(termios, CONTROL_CHARACTERS[number], None)
            if index is not None and 0 <= value < 256:
                attributes[6][index] = b"\0" if value == 255 else bytes([value])
        elif number in MODE_FLAGS:
            field, name = MODE_FLAGS[number]
            flag = IUTF8 if name == "IUTF8" else getattr(termios, name, 0)
            attributes[field] = attributes[field] | flag if value else attributes[field] & ~flag
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)


def widen(*pipes: int) -> None:
    """Larger pipes move more per turn; where the system says no, the usual size does."""
    for pipe in pipes:
        try:
            fcntl.fcntl(pipe, 1031, PIPE_BYTES)  # F_SETPIPE_SZ
        except OSError:
            return


def descendants() -> list[int]:
    """Every process below this one (where it is not process 1 of its own namespace)."""
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
    """Signal everything on the node but the agent."""
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


def others() -> bool:
    """Is any process left on the node but the agent? (Orphans come to us, so a child is enough.)"""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    except OSError as error:
        return error.errno != errno.ECHILD
    return True


def limit(file_mb: int, memory_mb: int, processes: int) -> None:
    """Limits of the kernel, so that one runaway does not take the machine with it: the processes of the node, and what
    each program may have. Twice the memory: programs set aside more than they use; `guard` counts that."""
    global most_processes
    # Before Linux 5.14, and outside of a user namespace, the kernel counts all processes of the user on the machine.
    counted_here = os.getpid() == 1 and kernel() >= (5, 14)
    most_processes = processes if counted_here else max(processes, USER_PROCESSES)
    limit_processes(SPARE_PROCESSES)
    wishes = {
        "RLIMIT_NOFILE": 4096,
        "RLIMIT_CORE": 0,
        "RLIMIT_FSIZE": file_mb << 20,
        "RLIMIT_DATA": max(memory_mb, LEAST_DATA_MB) << 21,
    }
    for name, wanted in wishes.items():
        lower(getattr(resource, name), wanted)


def limit_processes(spare: int) -> None:
    """The agent itself has some to spare: a person can still log in to a node that is full, and end what fills it."""
    lower(resource.RLIMIT_NPROC, most_processes + spare)


def lower(which: int, wanted: int) -> None:
    """Set a limit, as far as it is lower than the one in force."""
    try:
        _, hard = resource.getrlimit(which)
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(which, (value, value))
    except (OSError, ValueError):
        pass


def kernel() -> tuple[int, int]:
    """The running kernel's version."""
    major, minor = os.uname().release.split(".")[:2]
    digits = "".join(character for character in minor if character.isdigit())
    return int(major), int(digits or 0)
