"""Celery tasks of jobs. Each looks up the provider and calls one function."""

import logging

from celery import shared_task
from django.db.models import Q, QuerySet
from django.utils import timezone

from jobs.control import controller, heartbeat, push_access
from jobs.events import wakeups
from jobs.lifetime import budget_check, orphans
from jobs.models import Cluster
from jobs.providers import isolation, registry
from jobs.providers.base import ProviderError
from jobs.storage import uploads

# The others are still due a second later.
MAX_PER_SWEEP = 200
logger = logging.getLogger(__name__)


@shared_task(name=wakeups.RECONCILE)
def reconcile(cluster_id: str) -> None:
    """Make one pass over one cluster."""
    controller.reconcile(cluster_id, registry.provider_named)


@shared_task(name=wakeups.PUSH_ACCESS)
def push_cluster_access(cluster_id: str) -> None:
    """Push keys and rules to a cluster's nodes. If that fails, the pass that is also due tries again."""
    try:
        push_access.push_to(cluster_id, registry.provider_named)
    except ProviderError as error:
        logger.warning("cluster %s: keys and rules could not be pushed: %s", cluster_id, error)


def due_clusters() -> QuerySet[Cluster, str]:
    """Return the ids of clusters that are due and unclaimed, the longest due first. One index finds them."""
    now = timezone.now()
    due = Cluster.objects.filter(next_check_at__lte=now).filter(
        Q(claimed_until=None) | Q(claimed_until__lt=now)
    )
    return due.order_by("next_check_at").values_list("pk", flat=True)[:MAX_PER_SWEEP]


@shared_task(name="jobs.sweep")
def sweep() -> int:
    """Send a message for each due cluster, in case its own message was lost. Return how many."""
    heartbeat.beat()
    found = list(due_clusters())
    for cluster_id in found:
        wakeups.send_from_sweep(cluster_id)
    return len(found)


@shared_task(name=budget_check.TASK_NAME)
def check_budgets() -> None:
    """Look at every budget."""
    budget_check.check_budgets()


@shared_task(name=isolation.TASK_NAME)
def remember_isolation() -> None:
    """Remember whether nodes keep users apart."""
    isolation.remember_isolation()


@shared_task(name=orphans.TASK_NAME)
def find_orphans() -> None:
    """Find and remove clusters that providers have and no job needs. One provider's failure stops no other search."""
    for name in registry.provider_names():
        try:
            orphans.find_orphans(name, registry.provider_named(name))
        except ProviderError as error:
            logger.warning("%s was not searched for orphaned clusters: %s", name, error)
        except Exception:
            logger.exception("the search for orphaned clusters at %s broke", name)


@shared_task(name="jobs.expire_uploads")
def expire_uploads() -> None:
    """Give up uploads that nobody continued in time."""
    uploads.expire_uploads()
