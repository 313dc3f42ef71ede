"""Why a command is told to end, or the time of a cluster without a command is over. Pure."""

from enum import StrEnum

from jobs.lifetime.deadline import DeadlineReason
from jobs.states import Outcome


class CommandEndReason(StrEnum):
    """The reason, as the program on the node stores and returns it: a value is never changed."""

    STOPPED_BY_OWNER = "User terminated"
    HOURS_OVER = "The hours of the cluster are over"
    WALLTIME = "Walltime exceeded"
    IDLE = "Idle limit reached"
    BUDGET = "Budget used up"
    LONGEST_LIFE = "Longest life reached"

    @property
    def result(self) -> tuple[Outcome, str]:
        """Return how the job ends for this reason, and what its last status row says."""
        return _RESULTS[self]


_RESULTS = {
    CommandEndReason.STOPPED_BY_OWNER: (Outcome.TERMINATED, "User Terminated"),
    CommandEndReason.HOURS_OVER: (Outcome.SUCCEEDED, "Its hours are over"),
    CommandEndReason.WALLTIME: (Outcome.WALLTIME, "Walltime exceeded"),
    CommandEndReason.IDLE: (Outcome.DEADLINE, "The idle limit was reached"),
    CommandEndReason.BUDGET: (Outcome.DEADLINE, "The budget was used up"),
    CommandEndReason.LONGEST_LIFE: (Outcome.DEADLINE, "The longest life of a cluster was reached"),
}
_OF_DEADLINE = {
    DeadlineReason.WALLTIME: CommandEndReason.WALLTIME,
    DeadlineReason.IDLE: CommandEndReason.IDLE,
    DeadlineReason.BUDGET: CommandEndReason.BUDGET,
}


def of_deadline(deadline_reason: str) -> CommandEndReason:
    """Return why a command ends when the deadline with this reason passes."""
    return next(
        (end for reason, end in _OF_DEADLINE.items() if reason == deadline_reason),
        CommandEndReason.LONGEST_LIFE,
    )


def result_of(why: str) -> tuple[Outcome, str]:
    """Return the result for a reason that a node returned. A node is not trusted: an unknown reason counts as the
    owner's."""
    known = next((reason for reason in CommandEndReason if reason == why), CommandEndReason.STOPPED_BY_OWNER)
    return known.result
