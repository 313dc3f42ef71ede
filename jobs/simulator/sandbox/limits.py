"""How much one tenant may take, so that it takes nothing from another: of the simulator's own descriptors by
connection and cluster, of the machine by node."""

import resource
from dataclasses import dataclass

MOST_CHANNELS = 64
MOST_CLUSTER_CHANNELS = 256
MOST_DESCRIPTORS = 1 << 20
PROCESSES, PROCESSES_PER_CORE, MOST_PROCESSES = 256, 32, 1024
MEMORY_FOLDERS = 3


@dataclass(frozen=True)
class NodeLimits:
    """What the programs of one node may take together; files are limited one by one."""

    memory_mb: int
    processes: int
    file_mb: int

    @classmethod
    def of(cls, cores: int, memory_mb: int, file_mb: int) -> "NodeLimits":
        """The limits of a node of this size. Threads count as processes."""
        return cls(memory_mb, min(PROCESSES + PROCESSES_PER_CORE * cores, MOST_PROCESSES), file_mb)

    def words(self) -> list[str]:
        """As the agent's command line has them."""
        return [str(self.file_mb), str(self.memory_mb), str(self.processes)]

    @property
    def temporary_bytes(self) -> int:
        """The size of each of the three folders that live in memory: together no more than the node has."""
        return (self.memory_mb << 20) // MEMORY_FOLDERS


def raise_descriptors() -> None:
    """As many open descriptors as the system lets this process have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def refusal(of_connection: int, of_cluster: int) -> str:
    """Why another channel cannot be opened; an empty text when it can."""
    if of_connection >= MOST_CHANNELS:
        return f"This connection has {MOST_CHANNELS} channels open, the most there may be; close some"
    if of_cluster >= MOST_CLUSTER_CHANNELS:
        return f"This cluster has {MOST_CLUSTER_CHANNELS} channels open, the most there may be; close some"
    return ""
