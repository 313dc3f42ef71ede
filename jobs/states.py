"""The words of a job's and a cluster's life, and how the pair (desired, observed) reads to people.

Pure: no I/O, no Django. A cluster stores what is wanted and what was last seen; the status is computed here
and stored nowhere, except as dated rows of history.
"""

from enum import StrEnum


class Desired(StrEnum):
    """What the owner wants of the cluster."""

    RUNNING = "running"
    STOPPED = "stopped"


class Observed(StrEnum):
    """How far the cluster has come. Each value is a checkpoint: work before it is done and saved."""

    ABSENT = "absent"  # nothing asked of the provider yet
    BOOTING = "booting"  # the provider has accepted it; nodes boot and report
    HELD = "held"  # not all nodes came up: what is up stays for its owner to look into
    READY = "ready"  # the portal has logged in to every node
    EXECUTING = "executing"  # the command was launched on the head node
    EXECUTED = "executed"  # the command ended, or never will
    DRAINED = "drained"  # the compute nodes are down
    COLLECTED = "collected"  # the output files are in storage; the job is Completed
    RELEASING = "releasing"  # the provider was told to take everything away
    RELEASED = "released"  # the provider has nothing left of it


class JobState(StrEnum):
    """Job statuses as Rescale names them."""

    PENDING = "Pending"
    QUEUED = "Queued"
    STARTED = "Started"
    VALIDATED = "Validated"
    EXECUTING = "Executing"
    STOPPING = "Stopping"
    COMPLETED = "Completed"


class ClusterState(StrEnum):
    """Cluster statuses as Rescale names them."""

    NOT_STARTED = "Not Started"
    STARTING = "Starting"
    STARTED = "Started"
    STOP_REQUESTED = "Stop Requested"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    ERROR = "Error"


class Outcome(StrEnum):
    """How a job ended, for people: Rescale says Completed to all of them."""

    NONE = ""
    SUCCEEDED = "succeeded"  # the command exited with 0
    FAILED = "failed"  # the command exited with something else, or was lost
    TERMINATED = "terminated"  # its owner ended it
    WALLTIME = "walltime"  # it ran into its walltime
    DEADLINE = "deadline"  # it ran into another limit of its cluster
    ERROR = "error"  # the cluster never came up, or broke


_UP = (
    Observed.HELD,
    Observed.READY,
    Observed.EXECUTING,
    Observed.EXECUTED,
    Observed.DRAINED,
    Observed.COLLECTED,
)


def cluster_state(desired: Desired, observed: Observed, failed: bool) -> ClusterState:
    """The status people see."""
    if observed == Observed.RELEASED:
        return ClusterState.STOPPED
    if observed == Observed.RELEASING:
        return ClusterState.STOPPING
    if failed:
        return ClusterState.ERROR
    if desired == Desired.STOPPED:
        return ClusterState.STOP_REQUESTED
    if observed == Observed.ABSENT:
        return ClusterState.NOT_STARTED
    if observed == Observed.BOOTING:
        return ClusterState.STARTING
    return ClusterState.STARTED


def accepts_logins(observed: Observed) -> bool:
    """Whether people can be on the head node now."""
    return observed in _UP
