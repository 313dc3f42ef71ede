"""The controller's time-bound hold on a cluster's row.

A conditional UPDATE takes it and the count tells who got it. A claim expires, so a worker that was killed holds
nothing up for longer than CLAIM; a pass that works longer renews it.
"""

import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import DatabaseError, connection
from django.db.models import Q
from django.utils import timezone

from jobs.models import Cluster

logger = logging.getLogger(__name__)

CLAIM = timedelta(seconds=20)
RENEW_SECONDS = CLAIM.total_seconds() / 3
# A step that does not come back for this long is no work any more: let somebody else have the row.
LONGEST_STEP = timedelta(minutes=20)


class ClaimLost(Exception):
    """Somebody else holds the row now; whatever this pass still meant to do is theirs."""


def worker_name() -> str:
    """Who claims: host, process and thread, unique among workers."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"[:120]


def acquire(cluster_id: str) -> Cluster | None:
    """Claim the cluster if it is due and free; None when it is not."""
    now = timezone.now()
    taken = (
        Cluster.objects.filter(pk=cluster_id, next_check_at__lte=now)
        .filter(Q(claimed_until=None) | Q(claimed_until__lt=now))
        .update(claimed_until=now + CLAIM, claimed_by=worker_name())
    )
    if taken != 1:
        return None
    return Cluster.objects.select_related("job__owner", "job__core_type").get(pk=cluster_id)


def renew(cluster: Cluster) -> None:
    """Hold on for another while. Raises ClaimLost."""
    now = timezone.now()
    held = Cluster.objects.filter(pk=cluster.pk, claimed_by=worker_name(), claimed_until__gte=now)
    if held.update(claimed_until=now + CLAIM) != 1:
        raise ClaimLost(cluster.pk)


@contextmanager
def kept(cluster: Cluster) -> Iterator[None]:
    """Hold on to the claim for as long as the block works, however long one step of it takes.

    Only `LONGEST_STEP` after the last `renew_if_old` it is let expire.
    """
    done = threading.Event()
    keeper = threading.Thread(
        target=_keep, args=(cluster.pk, worker_name(), done, LONGEST_STEP.total_seconds()), daemon=True
    )
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()


def _keep(cluster_id: str, holder: str, done: threading.Event, longest_seconds: float) -> None:
    try:
        for _ in range(int(longest_seconds / RENEW_SECONDS)):
            if done.wait(RENEW_SECONDS):
                return
            try:
                held = Cluster.objects.filter(pk=cluster_id, claimed_by=holder)
                if held.update(claimed_until=timezone.now() + CLAIM) != 1:
                    return
            except DatabaseError as error:
                logger.warning("cluster %s: the claim could not be renewed (%s)", cluster_id, error)
    finally:
        connection.close()


def release(cluster: Cluster, delay: timedelta | None) -> bool:
    """Let the row go and make it due after `delay` (None: never, until a bell). True when a bell rang meanwhile.

    The bell count read at the start of the pass is compared, so that news that came during the pass is not slept on.
    """
    next_check_at = None if delay is None else timezone.now() + delay
    mine = Cluster.objects.filter(pk=cluster.pk, claimed_by=worker_name())
    quiet = mine.filter(wakeups=cluster.wakeups).update(
        claimed_until=None, claimed_by="", next_check_at=next_check_at, failures=cluster.failures
    )
    if quiet == 1:
        return False
    return (
        mine.update(
            claimed_until=None, claimed_by="", next_check_at=timezone.now(), failures=cluster.failures
        )
        == 1
    )


def renew_if_old(cluster: Cluster) -> None:
    """`renew` when half of the claim is used up; cheap to call often. Raises ClaimLost."""
    until = cluster.claimed_until
    if until is None or until - timezone.now() < CLAIM / 2:
        renew(cluster)
        cluster.claimed_until = timezone.now() + CLAIM
