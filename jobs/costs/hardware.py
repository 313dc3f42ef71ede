"""What a job's nodes are and cost together, whether they are all alike or not."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count

from jobs.models import Job, Node

# Core type's name, cores of a node, price of a core for an hour, how many nodes are so.
Kind = tuple[str, int, Decimal, int]


@dataclass(frozen=True)
class Hardware:
    """All nodes of a job. `core_types` are names, the head node's first; prices are per hour."""

    core_types: tuple[str, ...]
    nodes: int
    cores: int
    price_per_hour: Decimal
    currency: str

    @property
    def names(self) -> str:
        """`Emerald, Onyx`"""
        return ", ".join(self.core_types)


def hardware_of(job: Job) -> Hardware:
    """The hardware of one job."""
    return hardware_of_jobs([job])[job.pk]


def hardware_of_jobs(jobs: Sequence[Job]) -> dict[str, Hardware]:
    """The hardware of several jobs, by id: their nodes', or before there are any, what was asked for. One query."""
    kinds: dict[str, list[Kind]] = {job.pk: [] for job in jobs}
    rows = (
        Node.objects.filter(cluster__job__in=list(jobs))
        .order_by("-role", "core_type", "cores")  # the head node's first
        .values_list("cluster__job", "role", "core_type__name", "cores", "core_type__price_per_core_hour")
        .annotate(count=Count("id"))
    )
    for job_id, _, name, cores, price, count in rows:
        kinds[job_id].append((name, cores, price, count))
    return {job.pk: _added_up(job, kinds[job.pk] or [_asked(job)]) for job in jobs}


def _asked(job: Job) -> Kind:
    return job.core_type.name, job.cores_per_slot, job.core_type.price_per_core_hour, job.slots


def _added_up(job: Job, kinds: Sequence[Kind]) -> Hardware:
    return Hardware(
        core_types=tuple(dict.fromkeys(name for name, _, _, _ in kinds)),
        nodes=sum(count for _, _, _, count in kinds),
        cores=sum(cores * count for _, cores, _, count in kinds),
        price_per_hour=sum((price * cores * count for _, cores, price, count in kinds), Decimal()),
        currency=job.core_type.currency,
    )
