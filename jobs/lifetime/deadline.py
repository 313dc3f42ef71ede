"""When a cluster ends at the latest, and why. Pure.

A cluster has one deadline: the earliest of the limits that apply to its state. The administrator's longest life always
applies, so a cluster has a deadline until it is being released.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from accounts.refusals import Refused
from jobs.lifetime.refusal_reasons import LifetimeRefusal
from jobs.states import ENDING, Observed

# Minutes before the deadline at which people are warned.
WARNINGS = (60, 15, 5)
# A warning is given again only if the deadline moved to longer than this before it.
WARNED_AGAIN_FROM = timedelta(minutes=1)
# Output files of a command that was stopped get this long, even past other limits.
COLLECT_AFTER_STOP = timedelta(minutes=10)
# Those of one that a budget ended get this long at least: what is over the budget is kept small. The compute nodes are
# gone then; what is left of the budget lasts longer for the head node alone, and the limit moves with it.
COLLECT_AFTER_BUDGET = timedelta(seconds=60)
LONGEST_EXTENSION = timedelta(days=366)


class DeadlineReason(StrEnum):
    """Which limit gives the deadline. The values are stored in the row and sent by the API."""

    WALLTIME = "walltime"
    LONGEST_LIFE = "longest_life"
    KEPT_HEAD_LIMIT = "kept_head_limit"
    HOLD_LIMIT = "hold_limit"
    COLLECT_LIMIT = "collect_limit"
    IDLE = "idle"
    BUDGET = "budget"


def gettext_noop(text: str) -> str:
    """Mark a text for translation; pages translate it when they show it. Django's own is not for pure modules."""
    return text


SENTENCES: dict[str, str] = {
    DeadlineReason.WALLTIME: gettext_noop("The job's walltime is over then."),
    DeadlineReason.LONGEST_LIFE: gettext_noop("This is the administrator's limit for any cluster."),
    DeadlineReason.KEPT_HEAD_LIMIT: gettext_noop(
        "This is the limit for head nodes kept after their command."
    ),
    DeadlineReason.HOLD_LIMIT: gettext_noop("This is the limit for clusters held for debugging."),
    DeadlineReason.COLLECT_LIMIT: gettext_noop("Output files that are not stored by then are lost."),
    DeadlineReason.IDLE: gettext_noop("This is the idle limit: nobody uses the cluster."),
    DeadlineReason.BUDGET: gettext_noop("The budget is used up then."),
}


def sentence_of(reason: str) -> str:
    """Return the English sentence for a reason as a row stores it; empty for an unknown one."""
    return SENTENCES.get(reason, "")


@dataclass(frozen=True)
class Deadline:
    """When the cluster ends, and which limit says so."""

    at: datetime
    reason: DeadlineReason


@dataclass(frozen=True)
class DeadlinePolicy:
    """The administrator's limits."""

    longest_life: timedelta
    longest_walltime: timedelta
    kept_head: timedelta
    collect: timedelta


@dataclass(frozen=True)
class Life:
    """The dates of a cluster's life so far. `extended_until` only counts while no command runs (kept or held).

    `is_waiting`: it is not ordered yet, because a budget has no room for it.
    `keep_running_until`: its owner wants it until then, used or not.
    """

    observed: Observed
    created_at: datetime
    walltime: timedelta
    auto_terminate: bool = True
    is_wanted: bool = True
    is_waiting: bool = False
    executing_at: datetime | None = None
    executed_at: datetime | None = None
    collected_at: datetime | None = None
    held_at: datetime | None = None
    hold: timedelta = timedelta()
    stop_requested_at: datetime | None = None
    extended_until: datetime | None = None
    keep_running_until: datetime | None = None


def earliest_deadline(life: Life, policy: DeadlinePolicy, others: Sequence[Deadline] = ()) -> Deadline | None:
    """Return the cluster's deadline; None once it is being released, and while it waits for a budget.

    `others` are limits computed elsewhere (idle, budget). They apply while people can use the cluster; a budget's
    always, but output files are stored before the nodes go.
    """
    if life.is_waiting:
        return None
    budgets = [other for other in others if other.reason == DeadlineReason.BUDGET]
    end_of_life = Deadline(life.created_at + policy.longest_life, DeadlineReason.LONGEST_LIFE)
    others = [_as_wished(other, life) for other in others]
    match life.observed:
        case Observed.RELEASING | Observed.RELEASED:
            return None
        case Observed.EXECUTED | Observed.DRAINED:
            return _collecting(life, policy, end_of_life, budgets)
        case Observed.EXECUTING:
            began = life.executing_at or life.created_at
            limits = [Deadline(began + life.walltime, DeadlineReason.WALLTIME), end_of_life, *others]
        case Observed.COLLECTED if not life.auto_terminate:
            kept = (life.collected_at or life.created_at) + policy.kept_head
            limits = [Deadline(_later(kept, life), DeadlineReason.KEPT_HEAD_LIMIT), end_of_life, *others]
        case Observed.HELD:
            held = (life.held_at or life.created_at) + min(life.hold, policy.kept_head)
            limits = [Deadline(_later(held, life), DeadlineReason.HOLD_LIMIT), end_of_life, *others]
        case _:
            limits = [end_of_life, *budgets]
    return min(limits, key=lambda limit: limit.at)


def _as_wished(other: Deadline, life: Life) -> Deadline:
    """Return the limit; a cluster that its owner keeps running is not idle before that is over."""
    if other.reason != DeadlineReason.IDLE or life.keep_running_until is None:
        return other
    return replace(other, at=max(other.at, life.keep_running_until))


def _later(usual: datetime, life: Life) -> datetime:
    return max(usual, life.extended_until or usual)


def _collecting(
    life: Life, policy: DeadlinePolicy, end_of_life: Deadline, budgets: Sequence[Deadline]
) -> Deadline:
    """Return the limit for storing output files: some minutes remain even after a stop or at the end of its life."""
    ended = life.executed_at or life.created_at
    limits = [ended + policy.collect, max(ended, end_of_life.at) + COLLECT_AFTER_STOP]
    limits += [max(ended, budget.at) + COLLECT_AFTER_BUDGET for budget in budgets]
    if life.stop_requested_at is not None:
        limits.append(max(ended, life.stop_requested_at) + COLLECT_AFTER_STOP)
    return Deadline(min(limits), DeadlineReason.COLLECT_LIMIT)


def latest_extension(life: Life, policy: DeadlinePolicy, others: Sequence[Deadline] = ()) -> datetime | None:
    """Return how far the deadline may be moved; None if there is nothing to extend. The idle limit always moves."""
    if not life.is_wanted or why_not_extendable(life):
        return None
    fixed = [other.at for other in others if other.reason != DeadlineReason.IDLE]
    limits = [life.created_at + policy.longest_life, *fixed]
    if life.observed == Observed.EXECUTING:
        limits.append((life.executing_at or life.created_at) + policy.longest_walltime)
    return min(limits)


def why_not_extendable(life: Life) -> str:
    """Return a sentence why the cluster cannot be extended in its state; empty if it can."""
    if life.observed in ENDING:
        return "The cluster was terminated, so there is nothing to extend."
    if not life.is_wanted:
        return "The cluster is being terminated: it cannot be extended any more."
    if life.observed in (Observed.EXECUTING, Observed.HELD):
        return ""
    if life.observed == Observed.COLLECTED and not life.auto_terminate:
        return ""
    if life.observed in (Observed.EXECUTED, Observed.DRAINED, Observed.COLLECTED):
        return "The command has ended and its output files are being stored: there is nothing to extend now."
    return "The cluster is not ready yet: its time counts from when it is, and can be extended then."


def extended(
    life: Life,
    policy: DeadlinePolicy,
    now: datetime,
    *,
    by: timedelta | None = None,
    until: datetime | None = None,
    others: Sequence[Deadline] = (),
) -> Life:
    """Return the life with its deadline moved `by` a span, or to the moment `until`.

    Raises Refused: `nothing_to_extend`, `deadline_passed` (409), `bad_extension`, `beyond_policy` (400).
    """
    present, furthest, sentence = (
        earliest_deadline(life, policy, others),
        latest_extension(life, policy, others),
        why_not_extendable(life),
    )
    if present is None or furthest is None or sentence:
        raise Refused(LifetimeRefusal.NOTHING_TO_EXTEND, sentence, status=409)
    if now >= present.at:
        raise Refused(
            LifetimeRefusal.DEADLINE_PASSED,
            "The deadline has passed. The cluster is being terminated.",
            status=409,
        )
    wanted = _wanted(present.at, by, until)
    if wanted > furthest:
        raise Refused(
            LifetimeRefusal.BEYOND_POLICY,
            f"The administrator allows this cluster until {moment(furthest)} at the latest; "
            f"{moment(wanted)} is beyond that.",
            field="seconds" if until is None else "until",
        )
    kept = life
    if any(_as_wished(other, life).at < wanted for other in others if other.reason == DeadlineReason.IDLE):
        kept = replace(life, keep_running_until=wanted)
    if life.observed == Observed.EXECUTING:
        return replace(kept, walltime=max(life.walltime, wanted - (life.executing_at or life.created_at)))
    return replace(kept, extended_until=max(wanted, life.extended_until or wanted))


def _wanted(present: datetime, by: timedelta | None, until: datetime | None) -> datetime:
    if (by is None) == (until is None):
        raise Refused(
            LifetimeRefusal.BAD_EXTENSION, "Say either how many seconds more, or until when.", field="seconds"
        )
    if until is not None:
        if until < present:
            raise Refused(
                LifetimeRefusal.BAD_EXTENSION,
                f"The cluster can run until {moment(present)} already. To end it earlier, terminate it.",
                field="until",
            )
        return until
    if by is None or not timedelta() < by <= LONGEST_EXTENSION:
        raise Refused(
            LifetimeRefusal.BAD_EXTENSION, "Extend by a positive number of seconds.", field="seconds"
        )
    return present + by


def moment(at: datetime) -> str:
    """Return a moment as text for a sentence: `2026-01-31 12:00:00 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def crossed(remaining: timedelta) -> int:
    """Return the last warning whose moment has come: 60, 15 or 5 minutes before the deadline, 0 if none has."""
    return min((m for m in WARNINGS if remaining <= timedelta(minutes=m)), default=0)


def due_warning(remaining: timedelta, warned: int) -> int:
    """Return the warning to give now, 0 for none. `warned` is the last one that was given or skipped (0: none)."""
    now = crossed(remaining)
    return now if now and (warned == 0 or now < warned) else 0


def given_after_move(remaining: timedelta, warned: int) -> int:
    """Return the last warning that counts as given once the deadline has moved to `remaining` from now.

    One that was given just now is not repeated because the deadline moves to and fro by seconds.
    """
    near = crossed(remaining - WARNED_AGAIN_FROM)
    return near if near and 0 < warned <= near else crossed(remaining)


def until_next_warning(remaining: timedelta) -> timedelta | None:
    """Return how long until the next warning; None if none is left."""
    upcoming = [remaining - timedelta(minutes=m) for m in WARNINGS if remaining > timedelta(minutes=m)]
    return min(upcoming, default=None)
