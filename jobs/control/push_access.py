"""Push the access document (keys and rules) to the provider when it changes.

Called in each pass of the loop, and by a task when keys or rules change. The task takes no claim: a
removed key must not wait for a pass that is copying files. Documents carry a version and a provider keeps the newest
one; after each push it is checked again whether the pushed document is still the current one.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.keys import validity
from jobs.access import access_document
from jobs.events import job_log
from jobs.models import Cluster
from jobs.providers.base import Provider
from jobs.states import WITHOUT_NODES, LogSource

# More changes than anybody makes during one push.
MAX_PUSHES = 10
AFTER_EXPIRY = timedelta(milliseconds=50)


def push_to(cluster_id: str, provider_named: Callable[[str], Provider]) -> None:
    """Push outside of any pass, if the cluster has nodes. Raises ProviderError."""
    cluster = Cluster.objects.select_related("job__owner").filter(pk=cluster_id).first()
    if cluster is not None and cluster.observed_state not in WITHOUT_NODES:
        push(cluster, provider_named(cluster.provider))


def push(cluster: Cluster, provider: Provider) -> None:
    """Push the access document if it is not the one pushed last. Raises ProviderError.

    Only what the provider says is in force is saved as pushed: another worker's newer document may have come first.
    """
    for _ in range(MAX_PUSHES):
        if access_document.digest_of(access_document.content_of(cluster)) == cluster.access_pushed:
            return
        document = access_document.new_document(cluster)
        in_force = provider.push_access(cluster.provider_state, document)
        if in_force is None:
            return  # no nodes: the next pass will see that, too
        if in_force == document["version"]:
            _save_pushed(cluster, document)
        else:
            cluster.access_pushed = _read_pushed(cluster)


def limit_delay(cluster: Cluster, delay: timedelta | None) -> timedelta | None:
    """Return the delay until the next pass, shortened to when the owner's next key or rule expires."""
    if delay is None or cluster.observed_state in WITHOUT_NODES:
        return delay
    moment = validity.next_expiry(cluster.job.owner)
    return delay if moment is None else min(delay, max(timedelta(), moment - timezone.now()) + AFTER_EXPIRY)


def _save_pushed(cluster: Cluster, document: dict[str, Any]) -> None:
    """Save what was pushed. Of several workers that pushed the same, only one writes to the Job Log."""
    digest = access_document.digest_of(document)
    with transaction.atomic():
        row = Cluster.objects.filter(pk=cluster.pk, access_pushed=cluster.access_pushed)
        saved = row.update(access_pushed=digest) == 1
        if saved and cluster.access_pushed:
            count = len(document["authorized_keys"])
            rules = ", ".join(document["rules"]) or "none"
            text = f"Keys and access rules changed: {count} key(s); addresses let in: {rules}."
            job_log.append(cluster.job, LogSource.PORTAL, text)
    cluster.access_pushed = digest if saved else _read_pushed(cluster)


def _read_pushed(cluster: Cluster) -> str:
    return Cluster.objects.values_list("access_pushed", flat=True).get(pk=cluster.pk)
