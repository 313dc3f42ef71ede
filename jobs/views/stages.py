"""The job's stages as a line in time, each with how long it took."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest

from jobs.models import Job
from jobs.states import JobState

USUAL = (
    JobState.PENDING,
    JobState.QUEUED,
    JobState.STARTED,
    JobState.VALIDATED,
    JobState.EXECUTING,
    JobState.COMPLETED,
)


@dataclass(frozen=True)
class Stage:
    """One stage: `mark` is done, current, failed or ahead; `took` is empty while it lasts."""

    name: str
    mark: str
    at: datetime | None = None
    took: str = ""
    reason: str = ""


def duration_text(span: timedelta) -> str:
    """75 seconds -> "1 min 15 s". The page's scripts write running durations the same way."""
    whole = max(0, int(span.total_seconds()))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def stages_of(job: Job) -> list[Stage]:
    """The stages that were, the one that is, and those still ahead of a job that goes the usual way."""
    rows = sorted(job.statuses.all(), key=lambda row: row.pk)
    shown = []
    for row, following in zip_longest(rows, rows[1:]):
        completed = row.status == JobState.COMPLETED
        failed = completed and job.outcome not in ("", "succeeded")
        mark = "failed" if failed else "done" if completed or following else "current"
        took = duration_text(following.at - row.at) if following else ""
        shown.append(Stage(row.status, mark, row.at, took, row.reason))
    if rows and (rows[-1].status == JobState.COMPLETED):
        return shown
    seen = {row.status for row in rows}
    last = max((USUAL.index(JobState(s)) for s in seen if s in USUAL), default=-1)
    ahead = (JobState.COMPLETED,) if JobState.STOPPING in seen else USUAL[last + 1 :]
    return shown + [Stage(status.value, "ahead") for status in ahead]
