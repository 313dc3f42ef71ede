"""A person's clusters, those that are up and those that were: what the list, the API and the history page show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import User
from jobs.costs import hardware
from jobs.events import handles
from jobs.models import Cluster, ClusterDefinition, Job
from jobs.states import ClusterState, Desired, Observed

ENDED = (Observed.RELEASING, Observed.RELEASED)


@dataclass(frozen=True)
class Row:
    """One cluster. Times are None while they are to come; `price_per_hour` is while all of it is up."""

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
    """The person's own clusters, the newest first. Plans are left out: they can be long."""
    return (
        Cluster.objects.filter(owner=owner)
        .select_related("job__core_type", "job__owner")
        .annotate(has_definition=Exists(ClusterDefinition.objects.filter(cluster=OuterRef("pk"))))
        .defer("plan", "job__settings_snapshot", "job__env_vars")
        .order_by("-created_at", "-pk")
    )


def find(owner: User, handle: str) -> Cluster | None:
    """The person's cluster of this handle; None when they have none, or it is no handle at all."""
    if not handles.is_handle(handle):
        return None
    return clusters_of(owner).filter(handle=handle).first()


def rows(clusters: Sequence[Cluster]) -> list[Row]:
    """The rows of clusters that `clusters_of` answered."""
    together = hardware.hardware_of_jobs([cluster.job for cluster in clusters])
    return [_row(cluster, together[cluster.job_id]) for cluster in clusters]


def _row(cluster: Cluster, machines: hardware.Hardware) -> Row:
    job = cluster.job
    return Row(
        handle=cluster.handle,
        job=job,
        cluster=cluster,
        name=job.name,
        status=cluster.status,
        failure=cluster.failure,
        core_types=machines.core_types,
        nodes=machines.nodes,
        cores=machines.cores,
        hours=job.walltime,
        price_per_hour=machines.price_per_hour,
        currency=machines.currency,
        launched_at=cluster.created_at,
        ready_at=cluster.ready_at,
        ended_at=cluster.released_at,
        deadline=cluster.deadline_at,
        outcome=job.outcome,
        outcome_reason=job.outcome_reason,
        from_definition=getattr(cluster, "has_definition", False),
        can_terminate=cluster.desired_state == Desired.RUNNING and cluster.observed_state not in ENDED,
        # Of how its nodes came up; made from what is known until it is stored.
        has_report=cluster.booting_at is not None,
    )
