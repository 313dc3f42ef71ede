"""Wake the loop for a cluster: the row says it, the message only makes it soon."""

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

# Not at once: passes of many clusters at the same moment would hold up the pushes.
PASS_AFTER_PUSH = timedelta(seconds=2)
# Without workers the sweep's messages must not pile up for them.
SWEPT_SECONDS = 5.0
logger = logging.getLogger(__name__)


def wake(cluster_id: str) -> None:
    """Make the cluster due now. Inside a transaction the message leaves when it commits.

    `wakeups` counts the rings, so that a pass under way sees that something came meanwhile. When the broker
    is away the sweep finds the row.
    """
    Cluster.objects.filter(pk=cluster_id).update(wakeups=F("wakeups") + 1, next_check_at=timezone.now())
    transaction.on_commit(lambda: send(cluster_id), robust=True)


def wake_for_access(cluster_ids: Sequence[str]) -> None:
    """Keys or rules changed: have them pushed at once, without whatever else a pass would do first.

    Should the message get lost, the pass that is due soon pushes them. Outside of a transaction: the change is
    committed.
    """
    soon = timezone.now() + PASS_AFTER_PUSH
    Cluster.objects.filter(pk__in=cluster_ids).update(
        wakeups=F("wakeups") + 1, next_check_at=Least(F("next_check_at"), Value(soon))
    )
    for cluster_id in cluster_ids:
        _put("jobs.admit", cluster_id, None)


def send(cluster_id: str, delay: timedelta = timedelta()) -> None:
    """Put a message for the workers, to be read after `delay`; losing it costs a second, nothing else."""
    _put("jobs.reconcile", cluster_id, delay.total_seconds() or None)


def send_again(cluster_id: str) -> None:
    """The same from the sweep, which comes by every second: what no worker has read by then is worth nothing."""
    _put("jobs.reconcile", cluster_id, None, expires=SWEPT_SECONDS)


def _put(task: str, cluster_id: str, countdown: float | None, expires: float | None = None) -> None:
    try:
        current_app.send_task(task, args=[cluster_id], countdown=countdown, expires=expires, retry=False)
    except (OSError, OperationalError) as error:
        logger.warning("no message for cluster %s (%s); the sweep will find it", cluster_id, error)
