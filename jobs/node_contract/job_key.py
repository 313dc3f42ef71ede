"""How the key of a job begins: what the portal derives, and what a cloud lets through to the portal's API. Pure."""

PREFIX = "hnj_"


def key_prefix(cluster_id: str) -> str:
    """Return how the key of the job of this cluster begins; its proof follows."""
    return f"{PREFIX}{cluster_id}_"
