"""Take, renew and release the claim: a worker's time-bound hold on a cluster.

A conditional UPDATE takes the claim, and its row count says whether this worker got it. A claim expires after CLAIM,
so a killed worker delays nothing for longer than that. A pass that takes longer renews it.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import DatabaseError, connection
from django.db.models import Q
from django.utils import timezone

from jobs.models import Cluster
from jobs.models.claims import ClaimLost, claimed, worker_name

logger = logging.getLogger(__name__)

CLAIM_DURATION = timedelta(seconds=20)
RENEW_SECONDS = CLAIM_DURATION.total_seconds() / 3
# A step that takes longer than this is considered stuck; another worker may take over.
LONGEST_STEP = timedelta(minutes=20)


def acquire(cluster_id: str) -> Cluster | None:
    """Claim the cluster if it is due and unclaimed, and return it; None otherwise."""
    now = timezone.now()
    taken = (
        Cluster.objects.filter(pk=cluster_id, next_check_at__lte=now)
        .filter(Q(claimed_until=None) | Q(claimed_until__lt=now))
        .update(claimed_until=now + CLAIM_DURATION, claimed_by=worker_name())
    )
    if taken != 1:
        return None
    return Cluster.objects.select_related("job__owner", "job__core_type").get(pk=cluster_id)


def renew(cluster: Cluster) -> None:
    """Extend the claim by CLAIM from now. Raises ClaimLost, also when it had expired."""
    now = timezone.now()
    if claimed(cluster).filter(claimed_until__gte=now).update(claimed_until=now + CLAIM_DURATION) != 1:
        raise ClaimLost(cluster.pk)


def renew_if_old(cluster: Cluster) -> None:
    """Renew the claim when half of it is used up. Cheap to call often. Raises ClaimLost."""
    until = cluster.claimed_until
    if until is None or until - timezone.now() < CLAIM_DURATION / 2:
        renew(cluster)
        cluster.claimed_until = timezone.now() + CLAIM_DURATION


@contextmanager
def keep_claimed(cluster: Cluster) -> Iterator[None]:
    """Renew the claim in a thread while the block runs, so that one long step does not lose it.

    The claim is let expire LONGEST_STEP after the block began.
    """
    done = threading.Event()
    renewer = threading.Thread(
        target=_renew_until, args=(done, cluster.pk, worker_name(), LONGEST_STEP.total_seconds()), daemon=True
    )
    renewer.start()
    try:
        yield
    finally:
        done.set()
        renewer.join()


def _renew_until(done: threading.Event, cluster_id: str, holder: str, longest_seconds: float) -> None:
    try:
        for _ in range(int(longest_seconds / RENEW_SECONDS)):
            if done.wait(RENEW_SECONDS):
                return
            try:
                held = Cluster.objects.filter(pk=cluster_id, claimed_by=holder)
                if held.update(claimed_until=timezone.now() + CLAIM_DURATION) != 1:
                    return
            except DatabaseError as error:
                logger.warning("cluster %s: the claim could not be renewed (%s)", cluster_id, error)
    finally:
        connection.close()


def release(cluster: Cluster, delay: timedelta | None) -> bool:
    """Give up the claim; the cluster is due again after `delay` (None: only after a wakeup).

    Return True when a wakeup came during the pass: the cluster is then due at once. `wakeups`, as read at the start
    of the pass, is compared with the row.
    """
    next_check_at = None if delay is None else timezone.now() + delay
    if _give_up(cluster, next_check_at, wakeups=cluster.wakeups):
        return False
    return _give_up(cluster, timezone.now())


def _give_up(cluster: Cluster, next_check_at: object, **only_if: int) -> bool:
    released = (
        claimed(cluster)
        .filter(**only_if)
        .update(claimed_until=None, claimed_by="", next_check_at=next_check_at, failures=cluster.failures)
    )
    return released == 1
