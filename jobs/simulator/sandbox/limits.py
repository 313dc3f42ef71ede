"""The memory, process and file limits of one simulated node: the numbers, and how the agent is told them.

Inside the node `process_limits` sets them for each program and `limits_guard` enforces them for all together.
"""

from dataclasses import dataclass

PROCESSES, PROCESSES_PER_CORE, MAX_PROCESSES = 256, 32, 1024
MEMORY_FOLDERS = 3


@dataclass(frozen=True)
class NodeLimits:
    """What the programs of one node may take together; files are limited one by one."""

    memory_mb: int
    processes: int
    file_mb: int

    @classmethod
    def for_size(cls, cores: int, memory_mb: int, file_mb: int) -> "NodeLimits":
        """Return the limits of a node of this size. Threads count as processes."""
        return cls(memory_mb, min(PROCESSES + PROCESSES_PER_CORE * cores, MAX_PROCESSES), file_mb)

    def as_arguments(self) -> list[str]:
        """Return the limits as the agent's command line has them."""
        return [str(self.file_mb), str(self.memory_mb), str(self.processes)]

    @property
    def temporary_bytes(self) -> int:
        """The size of each of the three folders in memory: together no more than the node's memory."""
        return (self.memory_mb << 20) // MEMORY_FOLDERS
