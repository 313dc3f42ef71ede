"""Enforce what a node's programs may take together, watched from inside while any of them runs.

A limit of the kernel is for one process, or counts where the system counts. These limits are the node's:
- memory: what programs have for themselves, and what is kept without them (`kept_memory`). Above the node's memory the
  largest program is killed, as the kernel does when memory really ends. Control groups, where there are any, count
  also what nobody can see from here, and act a little later;
- processes: a session that stays at the limit is a fork bomb. All programs are stopped first, because a running bomb
  cannot be caught, and then the session is killed; if no single session has half of the processes, everything is.

Each action is one sentence for the node's log and its terminals. Runs inside a node: standard library only.
"""

from __future__ import annotations

import os
import signal
import time

from jobs.simulator.node_runtime.kept_memory import KeptMemory, remove_unused_segments
from jobs.simulator.node_runtime.programs import descendants, signal_all

CALM_MS, ALERT_MS = 500, 100
ALERT_PART = 0.5  # of the memory; above it the guard looks more often
BOMB_PART, BOMB_SECONDS = 0.9, 2.0  # a fork bomb: this part of the processes, for this long
PAGE_TABLES = frozenset({"VmPTE"})
ROUGH = frozenset({"RssAnon", "RssShmem", "VmSwap", "VmPTE"})
EXACT = frozenset({"Pss_Anon", "Pss_Shmem", "SwapPss"})
MB = 1 << 20


class Guard:
    """The limits of one node; 0 means none."""

    def __init__(self, memory_mb: int, processes: int) -> None:
        self.memory, self.processes = memory_mb * MB, processes
        self.at_limit_since: float | None = None
        self.wait_ms = CALM_MS
        self.kept = KeptMemory()

    def check(self) -> list[str]:
        """Enforce the limits and return what was done, as sentences."""
        pids = node_processes()
        notices = self.enforce_processes(pids)
        return notices or self.enforce_memory(pids)

    def enforce_memory(self, pids: list[int]) -> list[str]:
        """Kill the largest program if memory is exceeded.

        A rough count comes first, because an exact one is slow; it counts shared pages once for each process.
        """
        self.wait_ms = CALM_MS
        if not self.memory:
            return []
        kept = self.kept.total_bytes(pids)
        if kept + sum(map(rough_bytes, pids)) < self.memory * ALERT_PART:
            return []
        self.wait_ms = ALERT_MS
        sizes = {pid: exact_bytes(pid) for pid in pids}
        shared = sum(part for _, part in sizes.values())
        # What programs share may also be what is kept: do not count it twice.
        used = sum(private for private, _ in sizes.values()) + max(shared, kept)
        if used <= self.memory or not pids:
            return []
        if removed := remove_unused_segments():
            return [f"kernel: Out of memory: removed {removed} shared memory segments that no program used"]
        held = {pid: private + part + self.kept.held_by(pid) for pid, (private, part) in sizes.items()}
        return [kill_largest(held, used, self.memory)]

    def used_bytes(self) -> int:
        """Return how many bytes the node's programs use, and what is kept without them."""
        pids = node_processes()
        return self.kept.total_bytes(pids) + sum(exact_bytes(pid)[0] for pid in pids)

    def enforce_processes(self, pids: list[int]) -> list[str]:
        """Kill a fork bomb once it has been at the limit for BOMB_SECONDS."""
        if not self.processes or len(pids) < self.processes * BOMB_PART:
            self.at_limit_since = None
            return []
        now = time.monotonic()
        if self.at_limit_since is None:
            self.at_limit_since = now
        if now - self.at_limit_since < BOMB_SECONDS:
            return []
        self.at_limit_since = None
        return [kill_fork_bomb(self.processes)]


def node_processes() -> list[int]:
    """Return the node's processes without the agent."""
    if os.getpid() != 1:
        return descendants()
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and name != "1"]


def numbers_in(path: str, names: frozenset[str]) -> dict[str, int]:
    """Return some of the sizes in a file of /proc, in bytes. Raises OSError, ValueError."""
    found = {}
    with open(path) as file:
        for line in file:
            name, _, rest = line.partition(":")
            if name in names:
                found[name] = int(rest.split()[0]) << 10
    return found


def rough_bytes(pid: int) -> int:
    """Return a process's memory with its page tables; what it shares with others is counted as its own."""
    try:
        return sum(numbers_in(f"/proc/{pid}/status", ROUGH).values())
    except (OSError, ValueError):
        return 0


def exact_bytes(pid: int) -> tuple[int, int]:
    """Return a process's private memory and its part of shared memory, without the files it reads."""
    try:
        found = numbers_in(f"/proc/{pid}/smaps_rollup", EXACT)
        tables = numbers_in(f"/proc/{pid}/status", PAGE_TABLES).get("VmPTE", 0)
    except (OSError, ValueError):
        return rough_bytes(pid), 0  # its details are not readable
    return found.get("Pss_Anon", 0) + found.get("SwapPss", 0) + tables, found.get("Pss_Shmem", 0)


def process_name(pid: int) -> str:
    """Return a process's name, for people."""
    try:
        with open(f"/proc/{pid}/comm", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return "?"


def kill_largest(held: dict[int, int], used: int, allowed: int) -> str:
    """Kill the process that holds the most memory and return a sentence about it."""
    pid = max(held, key=lambda each: held[each])
    name = process_name(pid)
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass  # it has just ended by itself
    size = f"{used // MB} MB used of {allowed // MB} MB"
    return f"kernel: Out of memory ({size}): killed process {pid} ({name}), {held[pid] // MB} MB"


def relieve_machine(kept: KeptMemory) -> str:
    """Kill the largest process because the machine runs out of memory and this node uses most of it."""
    pids = node_processes()
    if not pids:
        return ""
    kept.total_bytes(pids)
    held = {pid: sum(exact_bytes(pid)) + kept.held_by(pid) for pid in pids}
    used = sum(held.values())
    return kill_largest(held, used, used) + "; the machine that simulates this node is out of memory"


def session_of(pid: int) -> int:
    """Return the session a process belongs to; 0 if it has ended."""
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def kill_fork_bomb(allowed: int) -> str:
    """Stop everything, kill the session with half of the processes or more (else everything), continue the rest."""
    signal_all(signal.SIGSTOP)
    sessions: dict[int, list[int]] = {}
    for pid in node_processes():
        sessions.setdefault(session_of(pid), []).append(pid)
    largest = max(sessions.values(), key=len, default=[])
    names = [process_name(pid) for pid in largest]
    name = max(set(names), key=names.count, default="?")
    is_everything = len(largest) < allowed // 2
    if is_everything:
        signal_all(signal.SIGKILL)
    for pid in largest:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            continue
    signal_all(signal.SIGCONT)
    who = "every program" if is_everything else f"{len(largest)} processes ({name})"
    return f"kernel: fork rejected: {allowed} processes are the most there may be; killed {who}"
