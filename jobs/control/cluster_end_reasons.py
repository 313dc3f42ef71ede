"""Why a cluster's time is over: why its command is told to end, or a cluster without a command is closed. Pure."""

from enum import StrEnum

from jobs.lifetime.deadline import DeadlineReason
from jobs.states import Outcome


class ClusterEndReason(StrEnum):
    """The reason, as the program on the node stores and returns it: a value is never changed."""

    STOPPED_BY_OWNER = "User terminated"
    HOURS_OVER = "The hours of the cluster are over"
    WALLTIME = "Walltime exceeded"
    IDLE = "Idle limit reached"
    BUDGET = "Budget used up"
    LONGEST_LIFE = "Longest life reached"
    NODE_FAILED = "A node failed"

    @property
    def result(self) -> tuple[Outcome, str]:
        """Return how the job ends for this reason, and what its last status row says."""
        return _RESULTS[self]


_RESULTS = {
    ClusterEndReason.STOPPED_BY_OWNER: (Outcome.TERMINATED, "User Terminated"),
    ClusterEndReason.HOURS_OVER: (Outcome.SUCCEEDED, "Its hours are over"),
    ClusterEndReason.WALLTIME: (Outcome.WALLTIME, "Walltime exceeded"),
    ClusterEndReason.IDLE: (Outcome.DEADLINE, "The idle limit was reached"),
    ClusterEndReason.BUDGET: (Outcome.DEADLINE, "The budget was used up"),
    ClusterEndReason.LONGEST_LIFE: (Outcome.DEADLINE, "The longest life of a cluster was reached"),
    ClusterEndReason.NODE_FAILED: (Outcome.ERROR, "A node failed"),
}
_OF_DEADLINE = {
    DeadlineReason.WALLTIME: ClusterEndReason.WALLTIME,
    DeadlineReason.IDLE: ClusterEndReason.IDLE,
    DeadlineReason.BUDGET: ClusterEndReason.BUDGET,
}


def of_deadline(deadline_reason: str) -> ClusterEndReason:
    """Return why a command ends when the deadline with this reason passes."""
    return next(
        (end for reason, end in _OF_DEADLINE.items() if reason == deadline_reason),
        ClusterEndReason.LONGEST_LIFE,
    )


def result_of(why: str) -> tuple[Outcome, str]:
    """Return the result for a reason that a node returned. A node is not trusted: an unknown reason counts as the
    owner's."""
    known = next((reason for reason in ClusterEndReason if reason == why), ClusterEndReason.STOPPED_BY_OWNER)
    return known.result
