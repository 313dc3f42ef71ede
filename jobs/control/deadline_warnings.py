"""Warnings before the deadline: into the Job Log, the browser terminals, and every terminal on the nodes.

Each is given once: the row remembers the tightest one given, in the transaction that writes it down. The nodes are
told after that, with a key, so that a crash in between neither loses the message nor says it twice.
"""

import logging
import math
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from jobs.access import node_access
from jobs.control.claim import worker_name
from jobs.events import job_log
from jobs.lifetime import deadline, deadline_limits
from jobs.models import Cluster
from jobs.providers.base import Provider, ProviderError
from sshgateway.sessions import session_actions

logger = logging.getLogger(__name__)


def give(cluster: Cluster) -> None:
    """Give the warning whose moment has come, if there is one: Job Log, page and browser terminals."""
    if not _can_be_heeded(cluster):
        return
    remaining = _remaining(cluster)
    minutes = deadline.due_warning(remaining, cluster.warned_minutes)
    if not minutes or remaining <= timedelta():
        return
    with transaction.atomic():
        ours = Cluster.objects.filter(
            pk=cluster.pk,
            claimed_by=worker_name(),
            deadline_at=cluster.deadline_at,
            warned_minutes=cluster.warned_minutes,
        )
        if ours.update(warned_minutes=minutes) != 1:
            return
        sentence = warning(cluster)
        job_log.append(cluster.job, "portal", sentence, level="warning")
        session_actions.notify(subject=node_access.subject(cluster.job), sentence=sentence)
    cluster.warned_minutes = minutes


def broadcast(cluster: Cluster, provider: Provider) -> None:
    """Tell the nodes of the warning given last, if they were not. A cloud that cannot now is asked at the next pass."""
    minutes = cluster.warned_minutes
    if minutes in (0, cluster.broadcast_minutes) or not _can_be_heeded(cluster):
        return
    if _remaining(cluster) > timedelta():
        key = f"{cluster.deadline_at:%Y%m%dT%H%M%S}-{minutes}"
        try:
            provider.broadcast(cluster.provider_state, warning(cluster), key)
        except ProviderError as error:
            logger.warning("cluster %s: its terminals could not be warned yet: %s", cluster.pk, error)
            return
    ours = Cluster.objects.filter(pk=cluster.pk, claimed_by=worker_name(), deadline_at=cluster.deadline_at)
    if ours.update(broadcast_minutes=minutes) == 1:
        cluster.broadcast_minutes = minutes


def warning(cluster: Cluster) -> str:
    """What is said now."""
    if cluster.deadline_at is None:
        return ""
    minutes = max(1, math.ceil(_remaining(cluster) / timedelta(minutes=1)))
    left = "1 minute" if minutes == 1 else f"{minutes} minutes"
    why = deadline.SENTENCES.get(deadline.Reason(cluster.deadline_reason), "")
    return (
        f"This cluster ends in {left}, at {deadline.moment(cluster.deadline_at)}. {why} "
        "Save your work, or extend it on the job page."
    )


def not_after_next(cluster: Cluster, delay: timedelta | None) -> timedelta | None:
    """The delay until the next pass, shortened to the moment of the next warning."""
    if delay is None or not _can_be_heeded(cluster):
        return delay
    ahead = deadline.until_next_warning(_remaining(cluster))
    return delay if ahead is None else min(delay, ahead)


def _can_be_heeded(cluster: Cluster) -> bool:
    """Whether anybody could still do something about the deadline."""
    return cluster.deadline_at is not None and deadline_limits.latest_extension_of(cluster) is not None


def _remaining(cluster: Cluster) -> timedelta:
    return timedelta() if cluster.deadline_at is None else cluster.deadline_at - timezone.now()
