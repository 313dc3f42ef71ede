"""Celery tasks of jobs: three lines each."""

from celery import shared_task
from django.db.models import Q
from django.utils import timezone

from jobs import bell, heartbeat
from jobs.control import controller
from jobs.models import Cluster


@shared_task(name="jobs.reconcile")
def reconcile(cluster_id: str) -> None:
    """One pass over one cluster."""
    controller.reconcile(cluster_id)


@shared_task(name="jobs.sweep")
def sweep() -> int:
    """Find due clusters that no message is under way for; the answer is how many."""
    heartbeat.beat()
    now = timezone.now()
    due = Cluster.objects.filter(next_check_at__lte=now).filter(
        Q(claimed_until=None) | Q(claimed_until__lt=now)
    )
    found = list(due.order_by("next_check_at").values_list("pk", flat=True)[:200])
    for cluster_id in found:
        bell.send(cluster_id)
    return len(found)
