"""Schedule a pass over a cluster. `next_check_at` is authoritative; the Celery message only makes the pass earlier."""

import logging
from collections.abc import Sequence
from datetime import timedelta

from celery import current_app
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Least
from django.utils import timezone
from kombu.exceptions import OperationalError

from jobs.models import Cluster

RECONCILE = "jobs.reconcile"
PUSH_ACCESS = "jobs.push_access"
# Its messages have threads of their own (portal/access_consumer.py): a removed key does not wait behind passes.
ACCESS_QUEUE = "access"
# Not at once: passes over many clusters at the same moment would delay the pushes.
PASS_AFTER_PUSH = timedelta(seconds=2)
# Without workers, messages of the sweep must not pile up.
SWEEP_MESSAGE_SECONDS = 5.0
logger = logging.getLogger(__name__)


def wake(cluster_id: str) -> None:
    """Make the cluster due now. The message is sent when the surrounding transaction commits.

    `wakeups` is counted, so that a pass under way sees that something changed. If the broker is away, the sweep
    finds the row.
    """
    Cluster.objects.filter(pk=cluster_id).update(wakeups=F("wakeups") + 1, next_check_at=timezone.now())
    transaction.on_commit(lambda: send(cluster_id), robust=True)


def wake_for_access(cluster_ids: Sequence[str]) -> None:
    """Have changed keys or rules pushed at once, without waiting for a whole pass.

    If the message is lost, the pass that is due soon pushes them. Call it after the change is committed.
    """
    soon = timezone.now() + PASS_AFTER_PUSH
    Cluster.objects.filter(pk__in=cluster_ids).update(
        wakeups=F("wakeups") + 1, next_check_at=Least(F("next_check_at"), Value(soon))
    )
    for cluster_id in cluster_ids:
        _send_task(PUSH_ACCESS, cluster_id, queue=ACCESS_QUEUE)


def send(cluster_id: str, delay: timedelta = timedelta()) -> None:
    """Send a message for a pass after `delay`. If it is lost, the sweep finds the row within a second."""
    _send_task(RECONCILE, cluster_id, countdown=delay.total_seconds() or None)


def send_from_sweep(cluster_id: str) -> None:
    """Like `send`, but the message expires: the sweep runs every second and will send another."""
    _send_task(RECONCILE, cluster_id, expires=SWEEP_MESSAGE_SECONDS)


def _send_task(
    task: str,
    cluster_id: str,
    *,
    countdown: float | None = None,
    expires: float | None = None,
    queue: str | None = None,
) -> None:
    try:
        current_app.send_task(
            task, args=[cluster_id], countdown=countdown, expires=expires, queue=queue, retry=False
        )
    except (OSError, OperationalError) as error:
        logger.warning("no message for cluster %s (%s); the sweep will find it", cluster_id, error)
