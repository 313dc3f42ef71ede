"""The states of a job, its cluster and its nodes, and the status people see for a (desired, observed) pair.

Pure: no I/O, no Django. A cluster stores what its owner wants and what the loop last observed; the status is computed
here and stored only as dated rows of history.
"""

from enum import StrEnum


class Desired(StrEnum):
    """What the owner wants of the cluster."""

    RUNNING = "running"
    STOPPED = "stopped"


class Observed(StrEnum):
    """How far the cluster has come. Each value is a checkpoint: the work before it is done and saved."""

    ABSENT = "absent"  # nothing ordered from the provider yet
    BOOTING = "booting"  # the provider accepted the order; nodes boot and report
    HELD = "held"  # not all nodes came up; the others stay up for the owner to debug
    READY = "ready"  # the portal has logged in to every node
    EXECUTING = "executing"  # the command was launched on the head node
    EXECUTED = "executed"  # the command ended, or will never start
    DRAINED = "drained"  # the compute nodes are down
    COLLECTED = "collected"  # the output files are stored; the job is Completed
    RELEASING = "releasing"  # the provider was asked to remove the cluster
    RELEASED = "released"  # the provider has nothing left of it


# The cluster is being removed or is gone: nobody may connect, nothing can be extended or stopped.
ENDING = (Observed.RELEASING, Observed.RELEASED)
# There are no nodes that could take keys, rules or certificates.
WITHOUT_NODES = (Observed.ABSENT, *ENDING)
# The provider has nothing to observe or to read login records from.
NOT_AT_PROVIDER = (Observed.ABSENT, Observed.RELEASED)
# The head node is up and lets people in.
ACCEPTING_LOGINS = (
    Observed.HELD,
    Observed.READY,
    Observed.EXECUTING,
    Observed.EXECUTED,
    Observed.DRAINED,
    Observed.COLLECTED,
)


class NodeState(StrEnum):
    """What the provider says of a node."""

    ORDERED = "ordered"
    BOOTING = "booting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


# The node does not run any more and will not come back.
NODE_DOWN = (NodeState.STOPPED, NodeState.FAILED)
# The node is down or shutting down: nobody may connect.
NODE_ENDING = (NodeState.STOPPING, *NODE_DOWN)
# The node is not billed: not there yet, or down.
NODE_UNBILLED = (NodeState.ORDERED, *NODE_DOWN)


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
    """How a job ended. The job status is Completed for all of them, as at Rescale."""

    NONE = ""
    SUCCEEDED = "succeeded"  # the command exited with 0
    FAILED = "failed"  # the command exited with another code, or was lost
    TERMINATED = "terminated"  # its owner terminated it
    WALLTIME = "walltime"  # it reached its walltime
    DEADLINE = "deadline"  # it reached another limit of its cluster
    ERROR = "error"  # the cluster never came up, or failed


# Why a job ended whose command exited with 0.
COMPLETED_SUCCESSFULLY = "Completed successfully"


class LogSource(StrEnum):
    """Where a Job Log event comes from."""

    PORTAL = "portal"
    PROVIDER = "provider"
    NODE = "node"
    PROGRAM = "program"  # the command's own output
    SSH = "ssh"


class LogLevel(StrEnum):
    """How important a Job Log event is."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


# The stage of Job Log events about output files; other events carry a job or cluster status as their stage.
COLLECTING = "Collecting"


def cluster_state(desired: Desired, observed: Observed, failed: bool) -> ClusterState:
    """Return the cluster status people see."""
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
    """Return whether people can be on the head node now."""
    return observed in ACCEPTING_LOGINS
