"""How many SSH channels one connection and one cluster may have open: each costs the simulator descriptors."""

MAX_CHANNELS = 64
MAX_CLUSTER_CHANNELS = 256


def channel_refusal(on_connection: int, on_cluster: int) -> str:
    """Return why another channel cannot be opened; an empty text if it can."""
    if on_connection >= MAX_CHANNELS:
        return f"This connection has {MAX_CHANNELS} channels open, the most there may be; close some"
    if on_cluster >= MAX_CLUSTER_CHANNELS:
        return f"This cluster has {MAX_CLUSTER_CHANNELS} channels open, the most there may be; close some"
    return ""
