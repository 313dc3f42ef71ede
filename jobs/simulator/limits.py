"""How much of the simulator's own descriptors one connection and one cluster may hold, so that no tenant takes them
from another."""

import resource

MOST_CHANNELS = 64
MOST_CLUSTER_CHANNELS = 256
MOST_DESCRIPTORS = 1 << 20


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
