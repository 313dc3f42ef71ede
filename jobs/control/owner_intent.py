"""What the owner may change while a pass runs: whether the cluster is wanted, and for how long."""

from jobs.lifetime import deadline_store
from jobs.models import Cluster

_OF_CLUSTER = ("desired_state", *deadline_store.FIELDS)
_OF_JOB = ("stop_requested_at", "walltime")


def reread(cluster: Cluster) -> None:
    """Read the owner's intent again from the database.

    No other field is read: reading `wakeups` here would hide a wakeup that came during the pass.
    """
    names = [*_OF_CLUSTER, *(f"job__{name}" for name in _OF_JOB)]
    row = Cluster.objects.values(*names).get(pk=cluster.pk)
    for name in _OF_CLUSTER:
        setattr(cluster, name, row[name])
    for name in _OF_JOB:
        setattr(cluster.job, name, row[f"job__{name}"])
