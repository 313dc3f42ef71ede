"""What the owner may change while a pass runs: whether the cluster is wanted, and for how long.

The deadline is kept in the row, so that pages, warnings and whoever moves it see one value. It is computed anew at
every move and every look: a changed setting, or a row of an older version, is put right by the next pass.
"""

from django.db.models import F
from django.utils import timezone

from jobs.control.claim import worker_name
from jobs.lifetime import deadline, deadline_limits
from jobs.lifetime.deadline import Deadline
from jobs.models import Cluster

_OF_CLUSTER = ("desired_state", "deadline_at", "deadline_reason", "extended_until", "warned_minutes")
_OF_JOB = ("stop_requested_at", "walltime")


def reread(cluster: Cluster) -> None:
    """Read the owner's wishes again. Only these: reading `wakeups` would swallow a bell."""
    names = [*_OF_CLUSTER, *(f"job__{name}" for name in _OF_JOB)]
    row = Cluster.objects.values(*names).get(pk=cluster.pk)
    for name in _OF_CLUSTER:
        setattr(cluster, name, row[name])
    for name in _OF_JOB:
        setattr(cluster.job, name, row[f"job__{name}"])


def set_deadline(cluster: Cluster) -> None:
    """The deadline of the state the cluster has just come to; warnings whose moment is past are let go."""
    found = deadline_limits.deadline_of(cluster)
    if found is not None:
        _save(cluster, found, warned=deadline.crossed(found.at - timezone.now()))


def put_right(cluster: Cluster) -> None:
    """The same for a cluster that stays where it is, if its deadline is not the one in the row."""
    found = deadline_limits.deadline_of(cluster)
    if found is None or (found.at, found.reason) == (cluster.deadline_at, cluster.deadline_reason):
        return
    came_closer = cluster.deadline_at is not None and found.at < cluster.deadline_at
    _save(
        cluster,
        found,
        # What came closer by itself is warned of at once.
        warned=cluster.warned_minutes if came_closer else deadline.crossed(found.at - timezone.now()),
    )


def has_passed(cluster: Cluster) -> bool:
    """Whether the deadline has passed for good: from here on no extension is taken.

    A write, although it changes nothing: of this and an extension that comes at the same moment, one is first.
    """
    row = Cluster.objects.filter(pk=cluster.pk, claimed_by=worker_name(), deadline_at__lte=timezone.now())
    return row.update(deadline_at=F("deadline_at")) == 1


def _save(cluster: Cluster, found: Deadline, warned: int) -> None:
    ours = Cluster.objects.filter(pk=cluster.pk, claimed_by=worker_name(), deadline_at=cluster.deadline_at)
    fields = {"deadline_at": found.at, "deadline_reason": found.reason.value, "warned_minutes": warned}
    if ours.update(**fields, broadcast_minutes=warned) == 1:
        for name, value in fields.items():
            setattr(cluster, name, value)
        cluster.broadcast_minutes = warned
