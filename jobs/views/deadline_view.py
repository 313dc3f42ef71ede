"""The deadline on the job page: when the cluster ends, why, and how far it can be extended."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext

from jobs.lifetime import deadline, deadline_limits
from jobs.models import Cluster
from jobs.states import ENDING

STEPS = (timedelta(hours=1), timedelta(hours=4))


@dataclass(frozen=True)
class ExtensionChoice:
    """A button that extends the deadline. It is disabled unless the administrator's limits allow that much."""

    hours: int
    seconds: int
    is_allowed: bool


@dataclass(frozen=True)
class DeadlineView:
    """What the page shows. `is_near` from the first warning on; `latest` is None while nothing can be extended."""

    at: datetime
    why: str
    is_near: bool
    latest: datetime | None
    steps: list[ExtensionChoice]


def deadline_view_of(cluster: Cluster | None) -> DeadlineView | None:
    """Return the deadline of a cluster; None if it has none."""
    if cluster is None or cluster.observed_state in ENDING or cluster.deadline_at is None:
        return None
    at, latest = cluster.deadline_at, deadline_limits.latest_extension_of(cluster)
    sentence = deadline.sentence_of(cluster.deadline_reason)
    return DeadlineView(
        at=at,
        why=gettext(sentence) if sentence else "",
        is_near=latest is not None and deadline.crossed(at - timezone.now()) > 0,
        latest=latest,
        steps=[_step(at, span, latest) for span in STEPS],
    )


def _step(at: datetime, span: timedelta, latest: datetime | None) -> ExtensionChoice:
    is_allowed = latest is not None and at + span <= latest
    return ExtensionChoice(int(span / timedelta(hours=1)), int(span.total_seconds()), is_allowed)
