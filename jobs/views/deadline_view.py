"""The deadline on the job page: when the cluster ends, why, and how far it can be extended."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext

from jobs.costs.budget_rows import name_of
from jobs.lifetime import deadline, deadline_limits
from jobs.lifetime.budget_deadlines import first_used_up
from jobs.lifetime.deadline import DeadlineReason
from jobs.models import Cluster
from jobs.states import ENDING

STEPS = (timedelta(hours=1), timedelta(hours=4))
# From here on the notice is a warning; until then it is only said.
URGENT = timedelta(minutes=15)


@dataclass(frozen=True)
class ExtensionChoice:
    """A button that extends the deadline. It is disabled unless the administrator's limits allow that much."""

    hours: int
    seconds: int
    is_allowed: bool


@dataclass(frozen=True)
class DeadlineView:
    """What the page shows. `is_near` from the first warning on, except those that were over when the cluster's time
    began; `is_urgent` in the last minutes. `latest` is None while nothing can be extended.
    """

    at: datetime
    why: str
    is_near: bool
    is_urgent: bool
    latest: datetime | None
    is_idle: bool
    steps: list[ExtensionChoice]


def deadline_view_of(cluster: Cluster | None) -> DeadlineView | None:
    """Return the deadline of a cluster; None if it has none."""
    if cluster is None or cluster.observed_state in ENDING or cluster.deadline_at is None:
        return None
    at, latest = cluster.deadline_at, deadline_limits.latest_extension_of(cluster)
    remaining = at - timezone.now()
    is_near = latest is not None and remaining <= _noticed_from(at - _began_at(cluster))
    return DeadlineView(
        at=at,
        why=_why(cluster),
        is_near=is_near,
        is_urgent=is_near and remaining <= URGENT,
        is_idle=cluster.deadline_reason == deadline.DeadlineReason.IDLE,
        latest=latest,
        steps=[_step(at, span, latest) for span in STEPS],
    )


def _began_at(cluster: Cluster) -> datetime:
    """Return when the time began that ends with the deadline; an idle limit begins with the last activity."""
    if cluster.deadline_reason == deadline.DeadlineReason.IDLE and cluster.active_at is not None:
        return cluster.active_at
    kept = cluster.collected_at or cluster.executed_at
    return kept or cluster.executing_at or cluster.held_at or cluster.created_at


def _noticed_from(whole: timedelta) -> timedelta:
    """Return how long before the deadline the page begins to speak of it, of the whole time that it ends."""
    warnings = [timedelta(minutes=minutes) for minutes in deadline.WARNINGS]
    return max([span for span in warnings if span < whole], default=whole / 10)


def _why(cluster: Cluster) -> str:
    """Return which limit gives the deadline, and of several budgets which one."""
    if cluster.deadline_reason == DeadlineReason.BUDGET and (budget := first_used_up(cluster)):
        return gettext("Then %(name)s is used up.") % {"name": name_of(budget)}
    sentence = deadline.sentence_of(cluster.deadline_reason)
    return gettext(sentence) if sentence else ""


def _step(at: datetime, span: timedelta, latest: datetime | None) -> ExtensionChoice:
    is_allowed = latest is not None and at + span <= latest
    return ExtensionChoice(int(span / timedelta(hours=1)), int(span.total_seconds()), is_allowed)
