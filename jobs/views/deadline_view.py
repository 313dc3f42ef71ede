"""How the job page shows a cluster's deadline, and how far its buttons can move it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from jobs.lifetime import deadline, deadline_limits
from jobs.lifetime.deadline import Reason
from jobs.models import Cluster
from jobs.states import Observed

REASONS: dict[str, Promise] = {
    Reason.WALLTIME: gettext_lazy("The job's walltime is over then."),
    Reason.LONGEST_LIFE: gettext_lazy("No cluster may live longer: the administrator's limit."),
    Reason.KEPT_HEAD_LIMIT: gettext_lazy("A head node that was kept after its command stays no longer."),
    Reason.HOLD_LIMIT: gettext_lazy("A cluster that is held for debugging is kept no longer."),
    Reason.COLLECT_LIMIT: gettext_lazy("Output files that are not stored by then are left behind."),
    Reason.IDLE: gettext_lazy("Nobody uses the cluster: the idle limit."),
    Reason.BUDGET: gettext_lazy("The budget is used up then."),
}
STEPS = (timedelta(hours=1), timedelta(hours=4))


@dataclass(frozen=True)
class Step:
    """A button that gives more time; one that policy would refuse is shown as such."""

    hours: int
    seconds: int
    is_allowed: bool


@dataclass(frozen=True)
class DeadlineView:
    """What the page says: when, why, how soon, how far it may be moved."""

    at: datetime
    why: str
    is_near: bool
    latest: datetime | None
    steps: list[Step]


def of(cluster: Cluster | None) -> DeadlineView | None:
    """The deadline of a cluster that has one."""
    if cluster is None or cluster.observed_state in (Observed.RELEASING, Observed.RELEASED):
        return None
    at, latest = cluster.deadline_at, deadline_limits.latest_extension_of(cluster)
    if at is None:
        return None
    near = latest is not None and deadline.crossed(at - timezone.now()) > 0
    steps = [
        Step(
            int(step / timedelta(hours=1)),
            int(step.total_seconds()),
            latest is not None and at + step <= latest,
        )
        for step in STEPS
    ]
    why = str(REASONS.get(cluster.deadline_reason, ""))
    return DeadlineView(at, why, near, latest, steps)
