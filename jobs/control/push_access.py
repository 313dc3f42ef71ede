"""Who may come in: told to the provider whenever it changed.

Two come here: a pass over the cluster, and the task that a change of keys or rules sends off. The task takes no claim:
a removed key must not wait for a pass that is copying files. Documents carry a version, and a provider keeps the
newest; whoever pushed looks again whether what it pushed still holds.
"""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.keys import validity
from jobs.access import node_access
from jobs.events import job_log
from jobs.models import Cluster
from jobs.providers.base import Provider
from jobs.providers.registry import provider as provider_named
from jobs.states import Observed

NO_NODES = (Observed.ABSENT, Observed.RELEASING, Observed.RELEASED)
# More changes than anybody makes while one is under way.
MOST_PUSHES = 10
AT_EXPIRY = timedelta(milliseconds=50)


def push_to(cluster_id: str) -> None:
    """Push for a cluster that has nodes, outside of any pass. Raises ProviderError."""
    cluster = Cluster.objects.select_related("job__owner").filter(pk=cluster_id).first()
    if cluster is not None and cluster.observed_state not in NO_NODES:
        push(cluster, provider_named(cluster.provider))


def push(cluster: Cluster, provider: Provider) -> None:
    """Tell the provider who may come in, if that is not what it was told last. Raises ProviderError.

    Only what the provider says is in force is remembered as told: somebody else's newer document may have come first.
    """
    for _ in range(MOST_PUSHES):
        if node_access.access_digest(node_access.access_content(cluster)) == cluster.admitted:
            return
        document = node_access.access_document(cluster)
        in_force = provider.admit(cluster.provider_state, document)
        if in_force is None:
            return  # no nodes: the next pass will see that, too
        if in_force == document["version"]:
            _remember(cluster, document)
        else:
            cluster.admitted = Cluster.objects.values_list("admitted", flat=True).get(pk=cluster.pk)


def not_after_expiry(cluster: Cluster, delay: timedelta | None) -> timedelta | None:
    """The delay until the next pass, shortened to when the owner's next key or rule expires."""
    if delay is None or cluster.observed_state in NO_NODES:
        return delay
    moment = validity.next_expiry(cluster.job.owner)
    return delay if moment is None else min(delay, max(timedelta(), moment - timezone.now()) + AT_EXPIRY)


def _remember(cluster: Cluster, document: dict[str, Any]) -> None:
    """Write down what was pushed; of several who pushed the same, one tells the Job Log."""
    digest = node_access.access_digest(document)
    with transaction.atomic():
        mine = Cluster.objects.filter(pk=cluster.pk, admitted=cluster.admitted).update(admitted=digest)
        if mine == 1 and cluster.admitted:
            count = len(document["authorized_keys"])
            rules = ", ".join(document["rules"]) or "none"
            text = f"Keys and access rules changed: {count} key(s); addresses let in: {rules}."
            job_log.append(cluster.job, "portal", text)
    cluster.admitted = (
        digest if mine == 1 else Cluster.objects.values_list("admitted", flat=True).get(pk=cluster.pk)
    )
