"""The agent's guard: what a node's programs may take together, watched from inside while any runs.

A limit of the kernel is for one process (or counts where the system counts them). These hold for the node:
- memory: what the programs have for themselves, and what the folders in memory hold. Above the node's memory the
  largest program is killed, as the kernel does it where memory really ends;
- processes: a session that stays at the limit is a fork bomb. The node is held still, for a bomb that runs cannot be
  caught, and the session is killed; when it is not one session that does it, everything is.

Each is one sentence for the node's log and its terminals. Part of what runs inside a node: standard library only.
"""

from __future__ import annotations

import os
import signal
import time

from jobs.simulator.node_runtime.programs import descendants, signal_all

TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - the node's own
CALM_MS, ALERT_MS = 500, 100
ALERT_PART = 0.5  # of the memory: above it, look often
BOMB_PART, BOMB_SECONDS = 0.9, 2.0  # of the processes, and for so long
PAGE = os.sysconf("SC_PAGE_SIZE")
MB = 1 << 20


class Guard:
    """Looks after one node; 0 means no limit."""

    def __init__(self, memory_mb: int, processes: int) -> None:
        self.memory, self.processes = memory_mb * MB, processes
        self.at_limit_since: float | None = None
        self.wait_ms = CALM_MS

    def look(self) -> list[str]:
        """Do what has to be done; what was done, as sentences."""
        pids = members()
        said = self.watch_processes(pids)
        return said or self.watch_memory(pids)

    def watch_memory(self, pids: list[int]) -> list[str]:
        """A cheap look first, which counts shared pages once for each process; the exact one when that is too much."""
        self.wait_ms = CALM_MS
        if not self.memory:
            return []
        files = sum(bytes_in(path) for path in TEMPORARY) if os.getpid() == 1 else 0
        if files + sum(map(rough_bytes, pids)) < self.memory * ALERT_PART:
            return []
        self.wait_ms = ALERT_MS
        private, shared = dict.fromkeys(pids, 0), 0
        for pid in pids:
            private[pid], part = exact_bytes(pid)
            shared += part
        # What programs share may lie in the folders in memory, too: not counted twice.
        used = sum(private.values()) + max(shared, files)
        return [kill_largest(private, used, self.memory)] if used > self.memory and pids else []

    def watch_processes(self, pids: list[int]) -> list[str]:
        """Kill a fork bomb."""
        if not self.processes or len(pids) < self.processes * BOMB_PART:
            self.at_limit_since = None
            return []
        now = time.monotonic()
        if self.at_limit_since is None:
            self.at_limit_since = now
        if now - self.at_limit_since < BOMB_SECONDS:
            return []
        self.at_limit_since = None
        return [defuse(self.processes)]


def members() -> list[int]:
    """The node's processes but the agent."""
    if os.getpid() != 1:
        return descendants()
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and name != "1"]


def bytes_in(path: str) -> int:
    """What a file system holds."""
    try:
        found = os.statvfs(path)
    except OSError:
        return 0
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def rough_bytes(pid: int) -> int:
    """A process's own memory; what it shares with its parent since a fork is counted as its own."""
    try:
        with open(f"/proc/{pid}/statm") as file:
            _, resident, shared = file.read().split()[:3]
    except (OSError, ValueError):
        return 0
    return (int(resident) - int(shared)) * PAGE


def exact_bytes(pid: int) -> tuple[int, int]:
    """A process's part of memory that is its programs' own, and of memory that is shared; not of files it reads."""
    found = {"Pss_Anon:": 0, "Pss_Shmem:": 0}
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            for line in file:
                name, _, rest = line.partition(" ")
                if name in found:
                    found[name] = int(rest.split()[0]) << 10
    except (OSError, ValueError):
        return rough_bytes(pid), 0  # one that forbids to be looked at
    return found["Pss_Anon:"], found["Pss_Shmem:"]


def name_of(pid: int) -> str:
    """A process's name, for people."""
    try:
        with open(f"/proc/{pid}/comm", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return "?"


def kill_largest(private: dict[int, int], used: int, allowed: int) -> str:
    """End the process with the most memory of its own."""
    pid = max(private, key=lambda each: private[each])
    name = name_of(pid)
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass  # it has just ended by itself
    size = f"{used // MB} MB used of {allowed // MB} MB"
    return f"kernel: Out of memory ({size}): killed process {pid} ({name}), {private[pid] // MB} MB"


def relieve() -> str:
    """The machine itself runs out of memory and this node has the most: end its largest process."""
    private = {pid: exact_bytes(pid)[0] for pid in members()}
    if not private:
        return ""
    used = sum(private.values())
    return kill_largest(private, used, used) + "; the machine that simulates this node is out of memory"


def used_bytes() -> int:
    """What the node's programs and folders in memory take."""
    files = sum(map(bytes_in, TEMPORARY)) if os.getpid() == 1 else 0
    return files + sum(exact_bytes(pid)[0] for pid in members())


def session_of(pid: int) -> int:
    """The session a process belongs to; 0 when it has ended."""
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def defuse(allowed: int) -> str:
    """Hold everything, kill the session with half of the processes or more (else everything), let go of the rest."""
    signal_all(signal.SIGSTOP)
    sessions: dict[int, list[int]] = {}
    for pid in members():
        sessions.setdefault(session_of(pid), []).append(pid)
    largest = max(sessions.values(), key=len, default=[])
    names = [name_of(pid) for pid in largest]
    name, whole = max(set(names), key=names.count, default="?"), len(largest) < allowed // 2
    if whole:
        signal_all(signal.SIGKILL)
    for pid in largest:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            continue
    signal_all(signal.SIGCONT)
    who = "every program" if whole else f"{len(largest)} processes ({name})"
    return f"kernel: fork rejected: {allowed} processes are the most there may be; killed {who}"
