"""Add up the hardware of a job: core types, nodes, cores and the price per hour of all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Count

from jobs.costs.rates import price_per_hour
from jobs.models import Job, Node


class NodeGroup(NamedTuple):
    """Nodes that are alike. `core_type` is a name."""

    core_type: str
    cores_per_node: int
    price_per_core_hour: Decimal
    nodes: int

    @property
    def cores(self) -> int:
        """The cores of all of them."""
        return self.cores_per_node * self.nodes


@dataclass(frozen=True)
class Hardware:
    """All nodes of a job. `core_types` are names, the head node's first; the price is in `currency`."""

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
    """Return the hardware of one job."""
    return hardware_of_jobs([job])[job.pk]


def hardware_of_jobs(jobs: Sequence[Job]) -> dict[str, Hardware]:
    """Return the hardware of several jobs by id: that of their nodes or, before they exist, of the order. One query."""
    groups: dict[str, list[NodeGroup]] = {job.pk: [] for job in jobs}
    rows = (
        Node.objects.filter(cluster__job__in=list(jobs))
        .order_by("-role", "core_type", "cores")  # the head node's first
        .values_list("cluster__job", "role", "core_type__name", "cores", "core_type__price_per_core_hour")
        .annotate(count=Count("id"))
    )
    for job_id, _, name, cores, price, count in rows:
        groups[job_id].append(NodeGroup(name, cores, price, count))
    return {job.pk: _total(job, groups[job.pk] or [_ordered(job)]) for job in jobs}


def _ordered(job: Job) -> NodeGroup:
    return NodeGroup(job.core_type.name, job.cores_per_slot, job.core_type.price_per_core_hour, job.slots)


def _total(job: Job, groups: Sequence[NodeGroup]) -> Hardware:
    return Hardware(
        core_types=tuple(dict.fromkeys(group.core_type for group in groups)),
        nodes=sum(group.nodes for group in groups),
        cores=sum(group.cores for group in groups),
        price_per_hour=price_per_hour((group.price_per_core_hour, group.cores) for group in groups),
        currency=job.core_type.currency,
    )
