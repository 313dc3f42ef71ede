"""Clusters that are at a provider and should not be: found, listed for administrators, removed.

How there can be any: an order that was on its way when the cluster it was for was given up; a database that was put
back to an older state; a cloud that does not finish a deletion. Only what carries this portal's mark is looked at.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts.audit.trail import SYSTEM, Actor, record
from accounts.models import User
from accounts.refusals import Refused
from jobs.events import job_log
from jobs.models import Cluster, ClusterStatus, CoreType, Leftover
from jobs.providers import portal_id
from jobs.providers.base import ClusterSighting, Provider, ProviderError
from jobs.providers.registry import provider as provider_named
from jobs.states import ClusterState, Observed

logger = logging.getLogger(__name__)
LOOK = "jobs.look_for_leftovers"
MESSAGE = "This cluster is not known to its portal any more: the node is shutting down."
NOT_RUNNING = ("stopped", "failed")


def open_orphans(user: User) -> QuerySet[Leftover]:
    """What is there now, the newest first. Raises Refused (`not_administrator`, 403)."""
    check_administrator(user)
    return Leftover.objects.filter(gone_at__isnull=True)


def check_administrator(user: User | None) -> None:
    """Raise Refused (`not_administrator`, 403) for anybody else."""
    if user is None or not user.is_superuser:
        raise Refused(
            "not_administrator", "Only an administrator can see and remove leftover clusters.", status=403
        )


def find_orphans(provider_name: str) -> None:
    """Compare what the provider has with what we know; write it down; remove what is due. Raises ProviderError."""
    provider = provider_named(provider_name)
    ours = portal_id.own_portal_id()
    seen = [cluster for cluster in provider.list() if cluster.mark == ours]
    ids = [cluster.cluster_id for cluster in seen]
    rows = {row.pk: row for row in Cluster.objects.filter(pk__in=ids).select_related("job__owner")}
    now = timezone.now()
    found = []
    for cluster in seen:
        kind = kind_of(cluster, rows.get(cluster.cluster_id), now)
        if kind is not None:
            _note(provider_name, cluster, rows.get(cluster.cluster_id), kind, now)
            found.append(cluster.cluster_id)
    _close(provider_name, found, now)
    _remove_due(provider_name, provider, now)


def kind_of(seen: ClusterSighting, row: Cluster | None, now: datetime) -> Leftover.Kind | None:
    """Why this cluster should not be there; None when it is well, or too young to tell."""
    age = settings.HEADNODE_LEFTOVER_AGE
    if now - seen.ordered_at < age:
        return None
    if row is None:
        return Leftover.Kind.NO_ROW
    if row.observed_state == Observed.RELEASED:
        # Also what was ordered long ago needs a moment to be seen gone.
        return Leftover.Kind.ROW_STOPPED if row.released_at is None or now - row.released_at >= age else None
    if row.observed_state == Observed.RELEASING:
        since = ClusterStatus.objects.filter(cluster=row, status=ClusterState.STOPPING).first()
        if since is not None and now - since.at >= age:
            return Leftover.Kind.STILL_STOPPING
    return None


def ask_removal(actor: Actor, leftover: Leftover) -> bool:
    """An administrator wants it gone now. Idempotent; False when that was asked before, or it is gone.

    Raises Refused: `not_administrator` (403), `already_stopping` (409).
    """
    check_administrator(actor.user)
    if leftover.kind == Leftover.Kind.STILL_STOPPING:
        raise Refused(
            "already_stopping",
            "This cluster is being taken away: the portal asks its provider again and again until it is gone.",
            status=409,
        )
    with transaction.atomic():
        asked = _claim_removal(actor, leftover, timezone.now())
        transaction.on_commit(_ring, robust=True)
    return asked


def _claim_removal(actor: Actor, leftover: Leftover, now: datetime) -> bool:
    waiting = Leftover.objects.filter(pk=leftover.pk, gone_at__isnull=True, removal_asked_at__isnull=True)
    if waiting.update(removal_asked_at=now, removal_asked_by=actor.name) != 1:
        return False
    record(actor, "jobs:leftover:removal_asked", "leftover", leftover.pk, after=_facts(leftover))
    return True


def _note(
    provider_name: str, seen: ClusterSighting, row: Cluster | None, kind: Leftover.Kind, now: datetime
) -> None:
    nodes = [
        {"name": node.name, "core_type": node.core_type, "cores": node.cores, "state": node.state}
        for node in seen.nodes
    ]
    cost, currency = _cost(seen)
    facts = {"kind": kind, "nodes": nodes, "cost_per_hour": cost, "currency": currency, "seen_at": now}
    if kind == Leftover.Kind.STILL_STOPPING:
        facts["remove_at"] = None
    with transaction.atomic():
        _, is_new = Leftover.objects.update_or_create(
            provider=provider_name,
            cluster_id=seen.cluster_id,
            gone_at=None,
            defaults=facts,
            create_defaults={
                "remove_at": now + settings.HEADNODE_LEFTOVER_GRACE,
                **facts,
                "provider_state": seen.state,
                "job_id": row.job_id if row else "",
                "owner_name": row.job.owner.get_username() if row else "",
                "ordered_at": seen.ordered_at,
                "found_at": now,
            },
        )
        if is_new and row is not None and kind == Leftover.Kind.ROW_STOPPED:
            text = "The provider still has nodes of this cluster, although it is Stopped. They are being removed."
            job_log.append(row.job, "portal", text, level="warning")


def _cost(seen: ClusterSighting) -> tuple[Decimal, str]:
    types = CoreType.objects.in_bulk([node.core_type for node in seen.nodes])
    running = [node for node in seen.nodes if node.state not in NOT_RUNNING and node.core_type in types]
    cost = sum((types[node.core_type].price_per_core_hour * node.cores for node in running), Decimal())
    return cost, next((kind.currency for kind in types.values()), "")


def _close(provider_name: str, found: Sequence[str], now: datetime) -> None:
    """What is on the list and not there any more (or wanted after all) leaves the list."""
    still = Leftover.objects.filter(provider=provider_name, gone_at__isnull=True)
    for leftover in still.exclude(cluster_id__in=found):
        with transaction.atomic():
            if Leftover.objects.filter(pk=leftover.pk, gone_at__isnull=True).update(gone_at=now) != 1:
                continue
            if leftover.removal_asked_at is not None:
                record(SYSTEM, "jobs:leftover:removed", "leftover", leftover.pk, after=_facts(leftover))


def _remove_due(provider_name: str, provider: Provider, now: datetime) -> None:
    due = Leftover.objects.filter(provider=provider_name, gone_at__isnull=True).exclude(
        kind=Leftover.Kind.STILL_STOPPING
    )
    for leftover in due.filter(Q(removal_asked_at__isnull=False) | Q(remove_at__lte=now)):
        if Cluster.objects.filter(pk=leftover.cluster_id).exclude(observed_state=Observed.RELEASED).exists():
            continue  # it is somebody's: the next look takes it off the list
        with transaction.atomic():
            _claim_removal(SYSTEM, leftover, now)
        try:
            provider.release(leftover.provider_state, MESSAGE)
        except ProviderError as error:
            logger.warning("leftover %s could not be removed yet: %s", leftover.cluster_id, error)


def _facts(leftover: Leftover) -> dict[str, object]:
    return {
        "name": leftover.cluster_id,
        "kind": leftover.kind,
        "job": leftover.job_id,
        "nodes": len(leftover.nodes),
    }


def _ring() -> None:
    try:
        current_app.send_task(LOOK, retry=False)
    except (OSError, OperationalError) as error:
        logger.warning("no message to look for leftovers (%s); the next look will remove it", error)
