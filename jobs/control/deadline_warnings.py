"""Warn people before the deadline: in the Job Log, by notification, in browser terminals and on the nodes.

Each warning is given once: the cluster's row notes it in the transaction that writes the Job Log. The nodes are told
after that, with an idempotency key per warning, so that a crash in between neither loses the message nor repeats it.
"""

import logging
import math
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from jobs.access import session_subjects
from jobs.events import job_log, job_notices
from jobs.lifetime import deadline, deadline_limits, deadline_store
from jobs.lifetime.deadline import DeadlineReason
from jobs.models import Cluster
from jobs.providers.base import Provider, ProviderError
from jobs.states import LogLevel, LogSource
from sshgateway.sessions import session_actions

logger = logging.getLogger(__name__)


def give_due_warning(cluster: Cluster) -> None:
    """Give the warning that is due, if there is one, in the Job Log, on the job page and in browser terminals."""
    if not _is_extendable(cluster):
        return
    remaining = _remaining(cluster)
    minutes = deadline.due_warning(remaining, cluster.warned_minutes)
    if not minutes or remaining <= timedelta():
        return
    with transaction.atomic():
        if not deadline_store.save_warning(cluster, minutes):
            return
        sentence = warning(cluster)
        job_log.append(cluster.job, LogSource.PORTAL, sentence, level=LogLevel.WARNING)
        job_notices.deadline_near(cluster, sentence, minutes)
        session_actions.post_notice(subject=session_subjects.subject_of(cluster.job), sentence=sentence)


def broadcast(cluster: Cluster, provider: Provider) -> None:
    """Broadcast the last warning on the nodes, if it was not yet. A provider that cannot is asked again next pass."""
    minutes = cluster.warned_minutes
    if minutes in (0, cluster.broadcast_minutes) or not _is_extendable(cluster):
        return
    if _remaining(cluster) > timedelta():
        key = f"{cluster.deadline_at:%Y%m%dT%H%M%S}-{minutes}"
        try:
            provider.broadcast(cluster.provider_state, warning(cluster), key)
        except ProviderError as error:
            logger.warning("cluster %s: its terminals could not be warned yet: %s", cluster.pk, error)
            return
    deadline_store.save_broadcast(cluster, minutes)


def warning(cluster: Cluster) -> str:
    """Return the warning as people see it, with the minutes that are left now."""
    if cluster.deadline_at is None:
        return ""
    minutes = max(1, math.ceil(_remaining(cluster) / timedelta(minutes=1)))
    left = "1 minute" if minutes == 1 else f"{minutes} minutes"
    return (
        f"This cluster ends in {left}, at {deadline.moment(cluster.deadline_at)}. "
        f"{deadline.sentence_of(cluster.deadline_reason)} {_what_to_do(cluster)}"
    )


def _what_to_do(cluster: Cluster) -> str:
    if cluster.deadline_reason == DeadlineReason.BUDGET:
        return "Save your work. It can run longer only if an administrator raises the budget."
    return "Save your work, or extend it on the job page."


def limit_delay(cluster: Cluster, delay: timedelta | None) -> timedelta | None:
    """Return the delay until the next pass, shortened so that the pass comes in time for the next warning."""
    if delay is None or not _is_extendable(cluster):
        return delay
    upcoming = deadline.until_next_warning(_remaining(cluster))
    return delay if upcoming is None else min(delay, upcoming)


def _is_extendable(cluster: Cluster) -> bool:
    """Return whether people can still do something about the deadline."""
    return cluster.deadline_at is not None and deadline_limits.is_extendable(cluster)


def _remaining(cluster: Cluster) -> timedelta:
    return timedelta() if cluster.deadline_at is None else cluster.deadline_at - timezone.now()
