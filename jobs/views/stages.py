"""The stages of a job in order, each with its state and how long it took."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import zip_longest

from jobs.durations import duration_text
from jobs.models import Job, JobStatus
from jobs.states import JobState, Outcome

USUAL = (
    JobState.PENDING,
    JobState.QUEUED,
    JobState.STARTED,
    JobState.VALIDATED,
    JobState.EXECUTING,
    JobState.COMPLETED,
)


class StageState(StrEnum):
    """How far a stage is."""

    DONE = "done"
    CURRENT = "current"
    FAILED = "failed"
    AHEAD = "ahead"


@dataclass(frozen=True)
class Stage:
    """One stage. `took` is empty while it lasts."""

    name: str
    state: StageState
    at: datetime | None = None
    took: str = ""
    reason: str = ""


def stages_of(job: Job) -> list[Stage]:
    """Return the stages the job has reached, and those still ahead if it goes on as usual."""
    rows = sorted(job.statuses.all(), key=lambda row: row.pk)
    reached = [_stage(job, row, following) for row, following in zip_longest(rows, rows[1:])]
    return reached + [Stage(state.value, StageState.AHEAD) for state in _ahead(rows)]


def _stage(job: Job, row: JobStatus, following: JobStatus | None) -> Stage:
    if row.status != JobState.COMPLETED:
        state = StageState.DONE if following else StageState.CURRENT
    else:
        state = StageState.DONE if job.outcome in ("", Outcome.SUCCEEDED) else StageState.FAILED
    took = duration_text(following.at - row.at) if following else ""
    return Stage(row.status, state, row.at, took, row.reason)


def _ahead(rows: list[JobStatus]) -> tuple[JobState, ...]:
    seen = {row.status for row in rows}
    if rows and rows[-1].status == JobState.COMPLETED:
        return ()
    if JobState.STOPPING in seen:
        return (JobState.COMPLETED,)
    last = max((USUAL.index(JobState(status)) for status in seen if status in USUAL), default=-1)
    return USUAL[last + 1 :]
