"""Steps for a cluster whose nodes did not all come up: store the report, continue without some, or hold the others."""

import logging
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from jobs.access import host_certificates
from jobs.context import report_store
from jobs.control import checkpoint, provisioning
from jobs.events import job_log
from jobs.models import Cluster
from jobs.models.claims import ClaimLost, claimed, update_claimed
from jobs.providers.base import Provider
from jobs.states import NODE_DOWN, ClusterState, LogLevel, LogSource, NodeState, Observed
from jobs.storage.output_collection import StorageFailedError

logger = logging.getLogger(__name__)

# How often storing the report is tried: a cluster that costs must not wait for it for ever.
REPORT_TRIES = 5
LEFT_OUT = "The cluster continues without this node."


def report(cluster: Cluster) -> timedelta:
    """Store the report of how the nodes came up, once, before anything of them is destroyed.

    Raises StorageFailedError or any other error, until it has been tried REPORT_TRIES times. Raises ClaimLost.
    """
    try:
        path = report_store.write_report(cluster)
    except Exception as error:  # an object store, or a bug, may raise anything
        if cluster.failures < REPORT_TRIES:
            if isinstance(error, OSError):
                raise StorageFailedError(f"Storage did not take the context report: {error}.") from error
            raise
        logger.exception("cluster %s: the context report was given up", cluster.pk)
        path = ""
    now = timezone.now()
    with transaction.atomic():
        update_claimed(
            cluster, only_if={"context_reported_at": None}, context_report=path, context_reported_at=now
        )
        if not path:
            text = "The report of how the nodes came up could not be stored; it can still be made from what is known."
            job_log.append(cluster.job, LogSource.PORTAL, text, level=LogLevel.WARNING)
        elif cluster.observed_state == Observed.BOOTING:
            text = "Stored the report of how the nodes came up."
            job_log.append(cluster.job, LogSource.PORTAL, text, stage=ClusterState.STARTING)
    return timedelta()


def leave_out(cluster: Cluster, provider: Provider, names: Sequence[str], why: str) -> timedelta:
    """Continue without these nodes, and stop those that run. Raises ProviderError, ClaimLost."""
    nodes = cluster.nodes.filter(name__in=names)
    if running := [node.name for node in nodes if node.state not in NODE_DOWN]:
        provider.stop_nodes(cluster.provider_state, running, LEFT_OUT)
    with transaction.atomic():
        if not claimed(cluster).filter(observed_state=Observed.BOOTING).exists():
            raise ClaimLost(cluster.pk)
        nodes.filter(reason="").update(reason="Left out: it did not come up.")
        if nodes.filter(left_out=False).update(left_out=True, state=NodeState.FAILED) == len(names):
            job_log.append(
                cluster.job, LogSource.PORTAL, why, level=LogLevel.WARNING, stage=ClusterState.STARTING
            )
    return timedelta()


def hold(cluster: Cluster, provider: Provider, why: str) -> timedelta:
    """Keep the nodes that are up for the owner to debug, until a deadline. The command never starts.

    The portal logs in to each node that reported its address, so that people can, too. Raises ProviderError.
    """
    found = list(
        cluster.nodes.select_related("cluster__job")
        .filter(registered_at__isnull=False, host_key_alarm_at=None)
        .exclude(state__in=NODE_DOWN)
    )
    errors = provisioning.log_in_to(cluster, found)
    up = [node for node, error in zip(found, errors, strict=True) if error is None]
    if not up:
        checkpoint.fail(cluster, f"{why} The portal could log in to no node, so there is nothing to hold.")
        return timedelta()
    host_certificates.issue_certificates(cluster, up, provider)
    now = timezone.now()
    with transaction.atomic():
        checkpoint.advance(cluster, Observed.HELD, why, failure=why[:500], held_at=now)
        cluster.nodes.filter(pk__in=[node.pk for node in up]).update(verified_at=now, state=NodeState.RUNNING)
        job_log.append(cluster.job, LogSource.PORTAL, why, level=LogLevel.ERROR, stage=ClusterState.ERROR)
        names = ", ".join(node.name for node in up)
        text = (
            f"Held for debugging until {cluster.deadline_at:%Y-%m-%d %H:%M} UTC, and costs until then: you can log in "
            f"to {names}. "
            "The command is not started. Terminate when you have seen enough."
        )
        job_log.append(cluster.job, LogSource.PORTAL, text, level=LogLevel.WARNING, stage=ClusterState.ERROR)
    return timedelta()
