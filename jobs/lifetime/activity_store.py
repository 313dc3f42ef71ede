"""The rows of a cluster's activity: what its nodes showed, source by source."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from jobs.lifetime.idle import Counters, Sighting, Source, latest
from jobs.models import ActivitySource, Cluster
from jobs.models.claims import update_claimed


def save_look(cluster: Cluster, sightings: Iterable[Sighting], looked_at: datetime) -> None:
    """Save what one look at the nodes showed. No time is ever moved back. Raises ClaimLost."""
    found = latest(sightings)
    known = [cluster.active_at, *(each.at for each in found)]
    with transaction.atomic():
        update_claimed(
            cluster, looked_at=looked_at, active_at=max((at for at in known if at is not None), default=None)
        )
        for each in found:
            _save_source(cluster, each)


def save_login(cluster: Cluster, node: str, at: datetime) -> None:
    """Note that somebody logged in with ssh."""
    Cluster.objects.filter(Q(pk=cluster.pk) & (Q(active_at__isnull=True) | Q(active_at__lt=at))).update(
        active_at=at
    )
    cluster.active_at = max(at, cluster.active_at or at)
    _save_source(cluster, Sighting(Source.SSH, at, node))


def _save_source(cluster: Cluster, seen: Sighting) -> None:
    fields = {"at": seen.at, "detail": seen.detail[:120]}
    row, is_new = ActivitySource.objects.get_or_create(
        cluster=cluster, source=seen.source.value, defaults=fields
    )
    if not is_new and row.at < seen.at:
        ActivitySource.objects.filter(pk=row.pk, at__lt=seen.at).update(**fields)


def counters_as_json(counters: Counters) -> dict[str, Any]:
    """Return what a row keeps of counters."""
    return {
        "clock": counters.clock,
        "processor": counters.processor,
        "moved": dict(counters.moved),
        "tunnels": dict(counters.tunnels),
    }


def counters_from_json(kept: Mapping[str, Any]) -> Counters | None:
    """Return the counters that a row keeps; None if it has none."""
    if not kept:
        return None
    return Counters(kept["clock"], kept["processor"], kept["moved"], kept["tunnels"])
