"""The phases of contextualization: what a node does, in this order, to become a member of its cluster."""

from enum import StrEnum

DEFAULT_PHASE_SECONDS = 120


class Phase(StrEnum):
    """A phase; iteration gives the order in which nodes do them."""

    HOSTS = "hosts"  # know every member by name
    PEERS = "peers"  # know the members that provide what this one requires
    THIS_HOST = "this_host"  # configure itself for its roles
    DATA = "data"  # receive the launch's data
    FINALIZE = "finalize"  # whatever must wait until the rest is done
