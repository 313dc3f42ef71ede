"""The very moment of the deadline: it has passed then, and nothing is extended any more."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.refusals import Refused
from jobs.lifetime import deadline
from jobs.lifetime.deadline import DeadlinePolicy, Life
from jobs.states import Observed

BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
POLICY = DeadlinePolicy(
    longest_life=96 * HOUR, longest_walltime=48 * HOUR, kept_head=24 * HOUR, collect=6 * HOUR
)
RUNNING = Life(Observed.EXECUTING, BEGAN, walltime=4 * HOUR, executing_at=BEGAN)
END = BEGAN + 4 * HOUR


def test_a_moment_before_the_deadline_it_can_be_extended() -> None:
    assert deadline.extended(RUNNING, POLICY, END - TICK, by=HOUR).walltime == 5 * HOUR


@pytest.mark.parametrize("now", [END, END + TICK])
def test_at_the_deadline_it_cannot(now: datetime) -> None:
    with pytest.raises(Refused) as refusal:
        deadline.extended(RUNNING, POLICY, now, by=HOUR)
    assert (refusal.value.reason, refusal.value.status) == ("deadline_passed", 409)


def test_up_to_the_furthest_moment_and_not_beyond() -> None:
    furthest = deadline.latest_extension(RUNNING, POLICY)
    assert furthest == BEGAN + 48 * HOUR
    assert deadline.extended(RUNNING, POLICY, BEGAN, until=furthest).walltime == 48 * HOUR
    with pytest.raises(Refused) as refusal:
        deadline.extended(RUNNING, POLICY, BEGAN, until=furthest + TICK)
    assert refusal.value.reason == "beyond_policy"


@pytest.mark.parametrize(
    ("by", "reason"),
    [
        (-TICK, "bad_extension"),
        (timedelta(days=366), "beyond_policy"),
        (timedelta(days=366) + TICK, "bad_extension"),
    ],
)
def test_a_span_is_positive_and_a_year_at_most(by: timedelta, reason: str) -> None:
    with pytest.raises(Refused) as refusal:
        deadline.extended(RUNNING, POLICY, BEGAN, by=by)
    assert refusal.value.reason == reason


def test_until_the_present_deadline_changes_nothing_and_before_it_is_refused() -> None:
    assert deadline.extended(RUNNING, POLICY, BEGAN, until=END) == RUNNING
    with pytest.raises(Refused) as refusal:
        deadline.extended(RUNNING, POLICY, BEGAN, until=END - TICK)
    assert refusal.value.reason == "bad_extension"
