"""What a set of processes holds, in MB: proportional set size, as the kernel counts it."""

from collections.abc import Iterable
from pathlib import Path


def pss_mb(pids: Iterable[int]) -> float:
    """Of these processes together; one that has gone counts nothing."""
    return sum(_pss_kb(pid) for pid in pids) / 1024


def cpu_seconds(pids: Iterable[int]) -> float:
    """Processor time these processes used so far."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / 100


def descendants(pid: int) -> list[int]:
    """The process and everything under it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += descendants(int(child))
    return found


def _pss_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
