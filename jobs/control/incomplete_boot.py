"""Steps for a cluster whose nodes did not all come up: store the report, go on without some, or hold what is up."""

import logging
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from jobs.access import host_certificates
from jobs.context import reporting
from jobs.control import checkpoint, provisioning
from jobs.control.claim import ClaimLost, worker_name
from jobs.events import job_log
from jobs.models import Cluster, Node
from jobs.providers.base import Provider
from jobs.states import Observed
from jobs.storage.output_collection import StorageFailedError

logger = logging.getLogger(__name__)

# A storage that does not take the report is tried this many times: what costs must not wait for it for ever.
REPORT_TRIES = 5
LEFT_OUT = "The cluster goes on without this node."


def report(cluster: Cluster, provider: Provider) -> timedelta:
    """Store the report of how the nodes came up, once, before anything of them is destroyed.

    Raises StorageFailedError or whatever else went wrong, until it was tried often enough.
    """
    try:
        place = reporting.write_report(cluster)
    except Exception as error:  # also what an object store or a bug of ours raises
        if cluster.failures < REPORT_TRIES:
            if isinstance(error, OSError):
                raise StorageFailedError(f"Storage did not take the context report: {error}.") from error
            raise
        logger.exception("cluster %s: the context report was given up", cluster.pk)
        place = ""
    now = timezone.now()
    with transaction.atomic():
        settled = Cluster.objects.filter(
            pk=cluster.pk, claimed_by=worker_name(), context_reported_at=None
        ).update(context_report=place, context_reported_at=now)
        if settled != 1:
            raise ClaimLost(cluster.pk)
        if not place:
            text = "The report of how the nodes came up could not be stored; it can still be made from what is known."
            job_log.append(cluster.job, "portal", text, level="warning")
        elif cluster.observed_state == Observed.BOOTING:
            job_log.append(
                cluster.job, "portal", "Stored the report of how the nodes came up.", stage="Starting"
            )
    cluster.context_report, cluster.context_reported_at = place, now
    return timedelta()


def leave_out(cluster: Cluster, provider: Provider, names: Sequence[str], why: str) -> timedelta:
    """Go on without these nodes: stop what runs of them, and count them no more. Raises ProviderError."""
    nodes = cluster.nodes.filter(name__in=names)
    ended = (Node.State.STOPPED, Node.State.FAILED)
    if running := [node.name for node in nodes if node.state not in ended]:
        provider.stop_nodes(cluster.provider_state, running, LEFT_OUT)
    with transaction.atomic():
        if not Cluster.objects.filter(
            pk=cluster.pk, claimed_by=worker_name(), observed_state=Observed.BOOTING
        ).exists():
            raise ClaimLost(cluster.pk)
        nodes.filter(reason="").update(reason="Left out: it did not come up.")
        if nodes.filter(left_out=False).update(left_out=True, state=Node.State.FAILED) == len(names):
            job_log.append(cluster.job, "portal", why, level="warning", stage="Starting")
    return timedelta()


def hold(cluster: Cluster, provider: Provider, why: str) -> timedelta:
    """Keep what is up for the owner to look into, until a deadline. The command never starts.

    The portal logs in to each node that can still be found, so that people may, too. Raises ProviderError.
    """
    ended = (Node.State.STOPPED, Node.State.FAILED)
    found = list(
        cluster.nodes.select_related("cluster__job")
        .filter(registered_at__isnull=False, host_key_alarm_at=None)
        .exclude(state__in=ended)
    )
    errors = provisioning.log_in_to(cluster, found)
    up = [node for node, error in zip(found, errors, strict=True) if error is None]
    if not up:
        checkpoint.fail(cluster, f"{why} No node let the portal in, so there is nothing to hold.")
        return timedelta()
    host_certificates.issue(cluster, up, provider)
    now = timezone.now()
    with transaction.atomic():
        checkpoint.advance(cluster, Observed.HELD, why, failure=why[:500], held_at=now)
        cluster.nodes.filter(pk__in=[node.pk for node in up]).update(
            verified_at=now, state=Node.State.RUNNING
        )
        job_log.append(cluster.job, "portal", why, level="error", stage="Error")
        names = ", ".join(node.name for node in up)
        text = (
            f"Held for debugging until {cluster.deadline_at:%Y-%m-%d %H:%M} UTC, and costs until then: you can log in "
            f"to {names}. "
            "The command is not started. Terminate when you have seen enough."
        )
        job_log.append(cluster.job, "portal", text, level="warning", stage="Error")
    return timedelta()
