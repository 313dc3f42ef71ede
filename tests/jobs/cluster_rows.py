"""Cluster rows as the loop leaves them: made for tests, and checked wherever they come from."""

from datetime import datetime

from jobs.lifetime import deadline_limits
from jobs.models import Cluster
from jobs.states import ENDING, NOT_AT_PROVIDER, Observed

# The time that is saved when a cluster enters a state.
STAMP_OF = {
    Observed.BOOTING: "booting_at",
    Observed.HELD: "held_at",
    Observed.READY: "ready_at",
    Observed.EXECUTING: "executing_at",
    Observed.EXECUTED: "executed_at",
    Observed.COLLECTED: "collected_at",
    Observed.RELEASED: "released_at",
}


def stamps_until(observed: Observed, at: datetime) -> dict[str, datetime]:
    """Return the times of a life without failures that has come to this state; a held cluster was never ready."""
    if observed == Observed.HELD:
        return {"booting_at": at, "held_at": at}
    order = [state for state in Observed if state != Observed.HELD]
    passed = order[: order.index(observed) + 1]
    return {name: at for state, name in STAMP_OF.items() if state in passed}


def complete(cluster: Cluster, given: set[str]) -> None:
    """Fill in, and save, what the loop keeps besides the fields that a test has given: provider state and deadline."""
    if "provider_state" not in given and cluster.observed_state not in NOT_AT_PROVIDER:
        cluster.provider_state = {"id": cluster.pk}
    found = deadline_limits.deadline_of(cluster)
    if "deadline_at" not in given and found is not None and cluster.observed_state != Observed.ABSENT:
        cluster.deadline_at, cluster.deadline_reason = found.at, found.reason.value
    cluster.save(update_fields=["provider_state", "deadline_at", "deadline_reason"])


def check_row(cluster: Cluster) -> None:
    """Fail unless the row keeps what every row of the loop keeps."""
    observed = Observed(cluster.observed_state)
    stamp = STAMP_OF.get(observed)
    assert stamp is None or getattr(cluster, stamp) is not None, f"{observed} without {stamp}"
    if observed in ENDING:
        return
    assert cluster.next_check_at is not None, "a live cluster without a next pass"
    if observed != Observed.ABSENT:
        assert cluster.deadline_at is not None, "a live cluster without a deadline"
        assert cluster.deadline_reason, "a deadline without a reason"
        assert cluster.provider_state, "a cluster at a provider without its state"
