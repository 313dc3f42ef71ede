"""Celery tasks of jobs: three lines each."""

import logging

from celery import shared_task
from django.db.models import Q, QuerySet
from django.utils import timezone

from jobs.control import controller, heartbeat, push_access
from jobs.events import wakeups
from jobs.lifetime import orphans
from jobs.models import Cluster
from jobs.providers import registry
from jobs.providers.base import ProviderError

# The rest is still due a second later.
MOST_AT_ONCE = 200
logger = logging.getLogger(__name__)


@shared_task(name="jobs.reconcile")
def reconcile(cluster_id: str) -> None:
    """One pass over one cluster."""
    controller.reconcile(cluster_id)


@shared_task(name="jobs.admit")
def admit(cluster_id: str) -> None:
    """Tell a cluster's nodes who may come in now. When it fails, the pass that is also due tries again."""
    try:
        push_access.push_to(cluster_id)
    except ProviderError as error:
        logger.warning("cluster %s: keys and rules could not be pushed: %s", cluster_id, error)


def due_clusters() -> QuerySet[Cluster, str]:
    """The ids of clusters that are due and that nobody holds, the longest due first: read from one index."""
    now = timezone.now()
    due = Cluster.objects.filter(next_check_at__lte=now).filter(
        Q(claimed_until=None) | Q(claimed_until__lt=now)
    )
    return due.order_by("next_check_at").values_list("pk", flat=True)[:MOST_AT_ONCE]


@shared_task(name="jobs.sweep")
def sweep() -> int:
    """Find due clusters that no message is under way for; the answer is how many."""
    heartbeat.beat()
    found = list(due_clusters())
    for cluster_id in found:
        wakeups.send_again(cluster_id)
    return len(found)


@shared_task(name=orphans.LOOK)
def look_for_leftovers() -> None:
    """Find and remove what providers have and nobody wants."""
    for name in registry.names():
        try:
            orphans.find_orphans(name)
        except ProviderError as error:
            logger.warning("%s was not looked at for leftover clusters: %s", name, error)
