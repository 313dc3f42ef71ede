"""List a user's clusters, running and ended, for the cluster list, the history page and the REST API."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import User
from jobs.costs.hardware import Hardware, hardware_of_jobs
from jobs.costs.job_cost import Cost, costs_of
from jobs.events import handles
from jobs.models import Cluster, ClusterDefinition, Job
from jobs.states import ENDING, ClusterState, Desired


@dataclass(frozen=True)
class ClusterRow:
    """One cluster. Times are None until they are reached; `price_per_hour` is that of all its nodes, whether they run
    or not, and `cost` what there is to pay.
    """

    handle: str
    job: Job
    cluster: Cluster
    name: str
    status: ClusterState
    failure: str
    core_types: tuple[str, ...]
    nodes: int
    cores: int
    hours: timedelta
    price_per_hour: Decimal
    currency: str
    cost: Cost
    launched_at: datetime
    ready_at: datetime | None
    ended_at: datetime | None
    deadline: datetime | None
    outcome: str
    outcome_reason: str
    from_definition: bool
    can_terminate: bool
    has_report: bool


def clusters_of(owner: User) -> QuerySet[Cluster]:
    """Return the user's own clusters, newest first. Plans are deferred, because they can be long."""
    return (
        Cluster.objects.filter(owner=owner)
        .select_related("job__core_type", "job__owner")
        .annotate(has_definition=Exists(ClusterDefinition.objects.filter(cluster=OuterRef("pk"))))
        .defer("plan", "job__settings_snapshot", "job__env_vars")
        .order_by("-created_at", "-pk")
    )


def find_cluster(owner: User, handle: str) -> Cluster | None:
    """Return the user's cluster with this handle; None when they have none, or the text is not a handle."""
    if not handles.is_handle(handle):
        return None
    return clusters_of(owner).filter(handle=handle).first()


def cluster_rows(clusters: Sequence[Cluster]) -> list[ClusterRow]:
    """Return the rows of clusters from `clusters_of`."""
    jobs = [cluster.job for cluster in clusters]
    hardware, costs = hardware_of_jobs(jobs), costs_of(jobs)
    return [_row(cluster, hardware[cluster.job_id], costs[cluster.job_id]) for cluster in clusters]


def _row(cluster: Cluster, hardware: Hardware, cost: Cost) -> ClusterRow:
    job = cluster.job
    return ClusterRow(
        handle=cluster.handle,
        job=job,
        cluster=cluster,
        name=job.name,
        status=cluster.status,
        failure=cluster.failure,
        core_types=hardware.core_types,
        nodes=hardware.nodes,
        cores=hardware.cores,
        hours=job.walltime,
        price_per_hour=hardware.price_per_hour,
        currency=hardware.currency,
        cost=cost,
        launched_at=cluster.created_at,
        ready_at=cluster.ready_at,
        ended_at=cluster.released_at,
        deadline=cluster.deadline_at,
        outcome=job.outcome,
        outcome_reason=job.outcome_reason,
        from_definition=getattr(cluster, "has_definition", False),
        can_terminate=cluster.desired_state == Desired.RUNNING and cluster.observed_state not in ENDING,
        # The context report; before it is stored it is built from what is known.
        has_report=cluster.booting_at is not None,
    )
