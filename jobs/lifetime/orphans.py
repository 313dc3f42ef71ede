"""Find clusters that a provider has and no job needs, list them for administrators, and remove them.

They arise when an order arrives after its cluster was given up, when the database is restored to an older state, or
when a cloud does not finish a deletion. Clusters that carry another portal's id are ignored. A provider whose list
cannot be read hides clusters that cost: `orphan_searches` keeps that for health checks and the administrators' page.
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
from accounts.users.administrators import check_administrator
from jobs.costs import charging
from jobs.events import job_log
from jobs.events.audit_actions import JobsAuditAction
from jobs.lifetime import orphan_searches
from jobs.lifetime.refusal_reasons import LifetimeRefusal
from jobs.models import Cluster, ClusterStatus, CoreType, OrphanCluster
from jobs.providers import portal_id
from jobs.providers.base import ListedCluster, Provider, ProviderError, UnreadableList
from jobs.states import NODE_DOWN, ClusterState, LogLevel, LogSource, Observed

logger = logging.getLogger(__name__)
TASK_NAME = "jobs.look_for_leftovers"
SHUTDOWN_MESSAGE = "This cluster is not known to its portal any more: the node is shutting down."
ONLY_ADMINISTRATORS = "Only an administrator can see and remove leftover clusters."


def open_orphans(user: User) -> QuerySet[OrphanCluster]:
    """Return the orphans there are now, newest first. Raises Refused (`not_administrator`, 403)."""
    check_administrator(Actor(user), ONLY_ADMINISTRATORS)
    return OrphanCluster.objects.filter(gone_at__isnull=True)


def find_orphans(provider_name: str, provider: Provider) -> None:
    """Compare the provider's list with our rows, save the orphans, and remove those due.

    Raises ProviderError if the list cannot be read, and only after this was saved. Of a list that can be read in part,
    orphans are found and removed all the same; but none is taken for gone.
    """
    with orphan_searches.recorded(provider_name):
        try:
            listed = provider.list()
        except UnreadableList as error:
            _find_among(provider_name, provider, error.readable, is_whole=False)
            raise
        _find_among(provider_name, provider, listed, is_whole=True)


def _find_among(
    provider_name: str, provider: Provider, listed: Sequence[ListedCluster], *, is_whole: bool
) -> None:
    own_id = portal_id.own_portal_id()
    seen = [cluster for cluster in listed if cluster.portal_id == own_id]
    ids = [cluster.cluster_id for cluster in seen]
    rows = {row.pk: row for row in Cluster.objects.filter(pk__in=ids).select_related("job__owner")}
    now = timezone.now()
    found = []
    for cluster in seen:
        kind = kind_of(cluster, rows.get(cluster.cluster_id), now)
        if kind is not None:
            _save(provider_name, cluster, rows.get(cluster.cluster_id), kind, now)
            found.append(cluster.cluster_id)
    if is_whole:
        _close(provider_name, provider, found, now)
    _remove_due(provider_name, provider, now)


def kind_of(seen: ListedCluster, row: Cluster | None, now: datetime) -> OrphanCluster.Kind | None:
    """Return why this cluster is an orphan; None if it is not one, or too young to tell."""
    age = settings.HEADNODE_LEFTOVER_AGE
    if now - seen.ordered_at < age:
        return None
    if row is None:
        return OrphanCluster.Kind.NO_ROW
    if row.observed_state == Observed.RELEASED:
        # A release also takes the provider a moment.
        return (
            OrphanCluster.Kind.ROW_STOPPED
            if row.released_at is None or now - row.released_at >= age
            else None
        )
    if row.observed_state == Observed.RELEASING:
        since = ClusterStatus.objects.filter(cluster=row, status=ClusterState.STOPPING).first()
        if since is not None and now - since.at >= age:
            return OrphanCluster.Kind.STILL_STOPPING
    return None


def request_removal(actor: Actor, orphan: OrphanCluster) -> bool:
    """Request removal now. Return False if it was requested before, or the cluster is gone.

    Raises Refused: `not_administrator` (403), `already_stopping` (409).
    """
    check_administrator(actor, ONLY_ADMINISTRATORS)
    if orphan.kind == OrphanCluster.Kind.STILL_STOPPING:
        raise Refused(
            LifetimeRefusal.ALREADY_STOPPING,
            "This cluster is being terminated. The portal keeps asking its provider until it is gone.",
            status=409,
        )
    with transaction.atomic():
        asked = _claim_removal(actor, orphan, timezone.now())
        transaction.on_commit(_request_search, robust=True)
    return asked


def _claim_removal(actor: Actor, orphan: OrphanCluster, now: datetime) -> bool:
    waiting = OrphanCluster.objects.filter(pk=orphan.pk, gone_at__isnull=True, removal_asked_at__isnull=True)
    if waiting.update(removal_asked_at=now, removal_asked_by=actor.name) != 1:
        return False
    record(actor, JobsAuditAction.LEFTOVER_REMOVAL_ASKED, "leftover", orphan.pk, after=_facts(orphan))
    return True


def _save(
    provider_name: str, seen: ListedCluster, row: Cluster | None, kind: OrphanCluster.Kind, now: datetime
) -> None:
    nodes = [
        {"name": node.name, "core_type": node.core_type, "cores": node.cores, "state": node.state}
        for node in seen.nodes
    ]
    cost, currency = _cost_per_hour(seen)
    facts = {"kind": kind, "nodes": nodes, "cost_per_hour": cost, "currency": currency, "seen_at": now}
    if kind == OrphanCluster.Kind.STILL_STOPPING:
        facts["remove_at"] = None
    with transaction.atomic():
        _, is_new = OrphanCluster.objects.update_or_create(
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
        if is_new and row is not None and kind == OrphanCluster.Kind.ROW_STOPPED:
            text = "The provider still has nodes of this cluster, although it is Stopped. They are being removed."
            job_log.append(row.job, LogSource.PORTAL, text, level=LogLevel.WARNING)


def _cost_per_hour(seen: ListedCluster) -> tuple[Decimal, str]:
    types = CoreType.objects.in_bulk([node.core_type for node in seen.nodes])
    running = [node for node in seen.nodes if node.state not in NODE_DOWN and node.core_type in types]
    cost = sum((types[node.core_type].price_per_core_hour * node.cores for node in running), Decimal())
    return cost, next((kind.currency for kind in types.values()), "")


def _close(provider_name: str, provider: Provider, found: Sequence[str], now: datetime) -> None:
    """Close listed orphans that are gone, or needed after all, and charge those that are gone."""
    still = OrphanCluster.objects.filter(provider=provider_name, gone_at__isnull=True)
    for orphan in still.exclude(cluster_id__in=found):
        _charge(
            provider, orphan
        )  # before it is closed: if that is interrupted, the next search does it again
        with transaction.atomic():
            if OrphanCluster.objects.filter(pk=orphan.pk, gone_at__isnull=True).update(gone_at=now) != 1:
                continue
            if orphan.removal_asked_at is not None:
                record(SYSTEM, JobsAuditAction.LEFTOVER_REMOVED, "leftover", orphan.pk, after=_facts(orphan))


def _charge(provider: Provider, orphan: OrphanCluster) -> None:
    """Charge an orphan that is gone: to its job or, if the portal knows none, to nobody but the site."""
    cluster = Cluster.objects.filter(pk=orphan.cluster_id).select_related("job__owner").first()
    if cluster is not None and cluster.observed_state != Observed.RELEASED:
        return  # a job needs it: the loop charges it
    if usage := provider.usage(orphan.provider_state):
        charging.settle_usage(orphan.cluster_id, cluster, usage)


def _remove_due(provider_name: str, provider: Provider, now: datetime) -> None:
    due = OrphanCluster.objects.filter(provider=provider_name, gone_at__isnull=True).exclude(
        kind=OrphanCluster.Kind.STILL_STOPPING
    )
    for orphan in due.filter(Q(removal_asked_at__isnull=False) | Q(remove_at__lte=now)):
        if Cluster.objects.filter(pk=orphan.cluster_id).exclude(observed_state=Observed.RELEASED).exists():
            continue  # a job needs it: the next search closes it
        with transaction.atomic():
            _claim_removal(SYSTEM, orphan, now)
        try:
            provider.release(orphan.provider_state, SHUTDOWN_MESSAGE)
        except ProviderError as error:
            logger.warning("orphan %s could not be removed yet: %s", orphan.cluster_id, error)


def _facts(orphan: OrphanCluster) -> dict[str, object]:
    return {
        "name": orphan.cluster_id,
        "kind": orphan.kind,
        "job": orphan.job_id,
        "nodes": len(orphan.nodes),
    }


def _request_search() -> None:
    try:
        current_app.send_task(TASK_NAME, retry=False)
    except (OSError, OperationalError) as error:
        logger.warning("no message to search for orphans (%s); the next search will remove it", error)
