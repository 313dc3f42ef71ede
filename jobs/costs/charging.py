"""Write what nodes cost: one row per node and span of time with the price that held then.

Rows are computed anew from the provider's record and the rate card's history, and only differences are written. So a
pass may be repeated, killed or late: what is charged does not depend on it. Once a node has ended its rows are closed,
and a worker that slept cannot open them again with what it saw before.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from jobs.costs.price_history import prices_of
from jobs.costs.spans import Span, spans, whole_second
from jobs.models import Charge, Cluster, Job, Node
from jobs.providers.base import NodeUsage, ObservedNode, Provider, UnreadableAnswer
from jobs.states import NODE_DOWN

logger = logging.getLogger(__name__)

# An open row is written again when it is this old. What it costs meanwhile is computed from its beginning.
REFRESH = timedelta(minutes=1)
# Fields of a row that may change while it stays the same row.
CHANGING = (
    "ended_at",
    "seconds",
    "is_open",
    "is_idle",
    "price_per_core_hour",
    "currency",
    "job_name",
    "project_id",
)
Rows = dict[tuple[str, datetime], Charge]


@dataclass(frozen=True)
class Existence:
    """When a node existed; `until` is when it ended or, while `is_open`, was seen last."""

    node: str
    core_type: str
    cores: int
    since: datetime
    until: datetime
    is_open: bool


def record_sightings(cluster: Cluster, nodes: Sequence[Node], seen: Mapping[str, ObservedNode]) -> None:
    """Charge the nodes that the provider has now. A provider without a record of times is charged as it was seen."""
    now = timezone.now()
    found = [_existence(cluster, node, seen[node.name], now) for node in nodes if node.name in seen]
    rows = _rows_of(cluster.pk)
    if _is_up_to_date(found, rows, cluster):
        return
    with transaction.atomic():
        _lock(cluster.pk)
        rows = _rows_of(cluster.pk)
        _close_earlier(found, rows)
        present = [one for one in found if not _is_closed(one, rows)]
        replaced = {
            key: row
            for key, row in rows.items()
            if any(key[0] == one.node and key[1] >= whole_second(one.since) for one in present)
        }
        _replace(replaced, _charges(cluster.pk, cluster, [_not_shorter(one, rows) for one in present], rows))


def settle(cluster: Cluster, provider: Provider) -> None:
    """Charge a cluster that is gone, from the provider's record. Without one, or any node in it, what was seen counts.

    Raises ProviderError if the provider cannot be asked.
    """
    try:
        usage = provider.usage(cluster.provider_state)
    except UnreadableAnswer as error:
        logger.error("cluster %s is charged as it was seen: %s", cluster.pk, error)
        usage = None
    if not usage:
        Charge.objects.filter(cluster_id=cluster.pk, is_open=True).update(is_open=False)
    else:
        settle_usage(cluster.pk, cluster, usage)


def settle_usage(cluster_id: str, cluster: Cluster | None, usage: Sequence[NodeUsage]) -> None:
    """Charge the whole record of a cluster that is gone. Without a `cluster` no person is charged, but the site."""
    now = timezone.now()
    found = [
        Existence(used.name, used.core_type, used.cores, used.since, used.until or now, is_open=False)
        for used in usage
    ]
    with transaction.atomic():
        _lock(cluster_id)
        rows = _rows_of(cluster_id)
        _replace(rows, _charges(cluster_id, cluster, found, rows))


def _existence(cluster: Cluster, node: Node, sighting: ObservedNode, now: datetime) -> Existence:
    since = sighting.since or cluster.booting_at or cluster.created_at
    is_open = sighting.state not in NODE_DOWN
    until = now if is_open else sighting.until or now
    return Existence(node.name, node.core_type_id, node.cores, since, until, is_open)


def _lock(cluster_id: str) -> None:
    """Let other writers of this cluster's charges wait until the transaction ends."""
    list(Cluster.objects.select_for_update().filter(pk=cluster_id).values_list("pk"))


def _rows_of(cluster_id: str) -> Rows:
    return {(row.node, row.began_at): row for row in Charge.objects.filter(cluster_id=cluster_id)}


def _last_row(one: Existence, rows: Rows) -> Charge | None:
    """Return the newest row of the node since it began to exist."""
    since = whole_second(one.since)
    own = [row for (node, began_at), row in rows.items() if node == one.node and began_at >= since]
    return max(own, key=lambda row: row.began_at, default=None)


def _is_closed(one: Existence, rows: Rows) -> bool:
    last = _last_row(one, rows)
    return last is not None and not last.is_open


def _close_earlier(found: Sequence[Existence], rows: Rows) -> None:
    """Close the rows of nodes that existed before under these names: the provider made them anew."""
    begins = {one.node: whole_second(one.since) for one in found}
    earlier = [
        row for (node, began_at), row in rows.items() if row.is_open and began_at < begins.get(node, began_at)
    ]
    for row in earlier:
        row.is_open = False
        row.ended_at = min(row.ended_at, begins[row.node])
        row.seconds = int((row.ended_at - row.began_at).total_seconds())
    Charge.objects.bulk_update(earlier, ["is_open", "ended_at", "seconds"])


def _not_shorter(one: Existence, rows: Rows) -> Existence:
    """Return the existence; while it lasts, until no earlier than seen before: a clock may have been put back."""
    last = _last_row(one, rows)
    if last is None or not one.is_open or last.ended_at <= one.until:
        return one
    return Existence(one.node, one.core_type, one.cores, one.since, last.ended_at, one.is_open)


def _is_up_to_date(found: Sequence[Existence], rows: Rows, cluster: Cluster) -> bool:
    """Return whether nothing has begun or ended since the rows were written, a minute ago at most."""
    for one in found:
        last = _last_row(one, rows)
        if last is None or (last.is_open and not one.is_open):
            return False
        if not last.is_open:
            continue
        if one.until - last.ended_at >= REFRESH or last.is_idle == _is_busy(cluster):
            return False
    return True


def _is_busy(cluster: Cluster) -> bool:
    return cluster.executing_at is not None and cluster.executed_at is None


def _charges(cluster_id: str, cluster: Cluster | None, found: Iterable[Existence], rows: Rows) -> Rows:
    """Return the rows that there should be. A core type that the catalogue does not know has no price."""
    found = list(found)
    busy = (cluster.executing_at, cluster.executed_at) if cluster is not None else (None, None)
    prices = prices_of({one.core_type for one in found})
    payer = _payer(cluster, rows)
    charges = {}
    for one in found:
        if one.core_type in prices:
            parts = spans(one.since, one.until, prices[one.core_type], busy)
            for span in parts:
                is_open = one.is_open and span is parts[-1]
                charges[(one.node, span.began_at)] = _charge(cluster_id, payer, one, span, is_open)
    return charges


def _payer(cluster: Cluster | None, rows: Rows) -> dict[str, object]:
    """Return who and what is charged: the job or, once that is deleted, whom the rows name already.

    The job is read anew, under the cluster's lock: what the loop read as its pass began may have been edited.
    """
    found = (
        Job.objects.select_related("owner").filter(cluster=cluster)
        if cluster is not None
        else Job.objects.none()
    )
    if job := found.first():
        return {
            "job_id": job.pk,
            "job_name": job.name,
            "person_id": job.owner_id,
            "person_name": job.owner.get_username(),
            "project_id": job.project_id or "",
        }
    names = ("job_id", "job_name", "person_id", "person_name", "project_id")
    return {name: getattr(row, name) for row in list(rows.values())[:1] for name in names}


def _charge(
    cluster_id: str, payer: Mapping[str, object], one: Existence, span: Span, is_open: bool
) -> Charge:
    return Charge(
        cluster_id=cluster_id,
        node=one.node,
        core_type=one.core_type,
        cores=one.cores,
        is_idle=span.is_idle,
        day=span.began_at.date(),
        began_at=span.began_at,
        ended_at=span.ended_at,
        seconds=span.seconds,
        is_open=is_open,
        price_per_core_hour=span.price.per_core_hour,
        currency=span.price.currency,
        **payer,
    )


def _replace(rows: Rows, charges: Rows) -> None:
    """Make these rows what `charges` says, with as few writes as possible."""
    gone = [row.pk for key, row in rows.items() if key not in charges]
    Charge.objects.filter(pk__in=gone).delete()
    Charge.objects.bulk_create(charge for key, charge in charges.items() if key not in rows)
    changed = []
    for key, charge in charges.items():
        if key in rows and any(getattr(rows[key], name) != getattr(charge, name) for name in CHANGING):
            charge.pk, charge.recorded_at = rows[key].pk, rows[key].recorded_at
            changed.append(charge)
    Charge.objects.bulk_update(changed, CHANGING)
