"""The only writer of a cluster's deadline fields.

The row keeps the deadline so that pages, warnings, extensions and the loop see one value. Every pass computes it
again, so that a changed setting, or a row that an older version wrote, is corrected by the next pass. Writes of the
loop name the claim and the deadline they replace; an extension locks the row instead.
"""

from django.db.models import F
from django.utils import timezone

from jobs.lifetime import deadline, deadline_limits
from jobs.lifetime.deadline import Deadline, Life
from jobs.models import Cluster
from jobs.models.claims import claimed, try_update_claimed

FIELDS = (
    "deadline_at",
    "deadline_reason",
    "extended_until",
    "keep_running_until",
    "warned_minutes",
    "broadcast_minutes",
)


def enter_state(cluster: Cluster) -> None:
    """Save the deadline of the state the cluster has just entered. Warnings that would be due already are skipped."""
    found = deadline_limits.deadline_of(cluster)
    if found is not None:
        _save(cluster, found, warned=_skipped_by(found))


def correct(cluster: Cluster) -> None:
    """Save the deadline again if the limits now give another one than the row has."""
    found = deadline_limits.deadline_of(cluster)
    if found is None or (found.at, found.reason) == (cluster.deadline_at, cluster.deadline_reason):
        return
    came_closer = cluster.deadline_at is not None and found.at < cluster.deadline_at
    # Nobody asked for an earlier deadline, so people are warned of it at once.
    warned = cluster.warned_minutes
    if not came_closer:
        warned = deadline.given_after_move(found.at - timezone.now(), warned)
    _save(cluster, found, warned=warned)


def save_extension(cluster: Cluster, found: Deadline, life: Life) -> None:
    """Save an extended deadline; its warnings are given again. The caller holds the lock on the row."""
    skipped = _skipped_by(found)
    cluster.deadline_at, cluster.deadline_reason = found.at, found.reason.value
    cluster.extended_until, cluster.keep_running_until = life.extended_until, life.keep_running_until
    cluster.warned_minutes = cluster.broadcast_minutes = skipped
    cluster.save(update_fields=FIELDS)


def close_to_extensions(cluster: Cluster) -> bool:
    """Return whether the deadline has passed for good, so that no extension is accepted any more.

    This writes the row although it changes nothing: of this and an extension at the same moment, one comes first.
    """
    passed = claimed(cluster).filter(deadline_at__lte=timezone.now())
    return passed.update(deadline_at=F("deadline_at")) == 1


def save_warning(cluster: Cluster, minutes: int) -> bool:
    """Note that this warning is given. Return False if the claim is lost, the deadline moved or it was given before."""
    unchanged = {"deadline_at": cluster.deadline_at, "warned_minutes": cluster.warned_minutes}
    return try_update_claimed(cluster, only_if=unchanged, warned_minutes=minutes)


def save_broadcast(cluster: Cluster, minutes: int) -> None:
    """Note that this warning was broadcast on the nodes, unless the claim is lost or the deadline moved."""
    try_update_claimed(cluster, only_if={"deadline_at": cluster.deadline_at}, broadcast_minutes=minutes)


def _skipped_by(found: Deadline) -> int:
    """Return the minutes of the last warning that would be due already: whoever set the deadline knows it."""
    return deadline.crossed(found.at - timezone.now())


def _save(cluster: Cluster, found: Deadline, warned: int) -> None:
    try_update_claimed(
        cluster,
        only_if={"deadline_at": cluster.deadline_at},
        deadline_at=found.at,
        deadline_reason=found.reason.value,
        warned_minutes=warned,
        broadcast_minutes=warned,
    )
