"""The deadline of a cluster: there is always one, the earliest limit, with its reason; how far it may be moved."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from accounts.refusals import Refused
from jobs.lifetime import deadline
from jobs.lifetime.deadline import Deadline, DeadlinePolicy, DeadlineReason, Life
from jobs.states import Observed

BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
POLICY = DeadlinePolicy(
    longest_life=96 * HOUR, longest_walltime=48 * HOUR, kept_head=24 * HOUR, collect=6 * HOUR
)
RUNNING = Life(Observed.EXECUTING, BEGAN, walltime=4 * HOUR, executing_at=BEGAN + HOUR)
KEPT = replace(RUNNING, observed=Observed.COLLECTED, auto_terminate=False, collected_at=BEGAN + 2 * HOUR)


def test_no_cluster_is_without_one_until_it_is_released() -> None:
    moments = [None, BEGAN + HOUR]
    for observed, executing, executed, collected, held, auto in itertools.product(
        Observed, moments, moments, moments, moments, [True, False]
    ):
        life = Life(
            observed,
            BEGAN,
            4 * HOUR,
            auto,
            executing_at=executing,
            executed_at=executed,
            collected_at=collected,
            held_at=held,
            hold=3 * HOUR,
        )
        found = deadline.earliest_deadline(life, POLICY)
        if observed in (Observed.RELEASING, Observed.RELEASED):
            assert found is None
        else:
            assert found is not None
            assert found.at <= BEGAN + POLICY.longest_life + deadline.COLLECT_AFTER_STOP


@pytest.mark.parametrize("reason", DeadlineReason)
def test_every_reason_has_a_sentence(reason: DeadlineReason) -> None:
    assert deadline.sentence_of(reason.value).endswith(".")


@pytest.mark.parametrize("observed", [Observed.ABSENT, Observed.BOOTING, Observed.READY])
def test_before_the_command_only_the_longest_life_counts(observed: Observed) -> None:
    life = Life(observed, BEGAN, walltime=4 * HOUR)
    assert deadline.earliest_deadline(life, POLICY) == Deadline(
        BEGAN + 96 * HOUR, DeadlineReason.LONGEST_LIFE
    )


def test_the_walltime_counts_from_the_launch() -> None:
    assert deadline.earliest_deadline(RUNNING, POLICY) == Deadline(BEGAN + 5 * HOUR, DeadlineReason.WALLTIME)


def test_the_earliest_wins_and_is_named() -> None:
    short = replace(POLICY, longest_life=2 * HOUR)
    assert deadline.earliest_deadline(RUNNING, short) == Deadline(
        BEGAN + 2 * HOUR, DeadlineReason.LONGEST_LIFE
    )
    broke = Deadline(BEGAN + 90 * timedelta(minutes=1), DeadlineReason.BUDGET)
    assert deadline.earliest_deadline(RUNNING, POLICY, [broke]) == broke


def test_a_kept_head_stays_for_the_administrators_time() -> None:
    assert deadline.earliest_deadline(KEPT, POLICY) == Deadline(
        BEGAN + 26 * HOUR, DeadlineReason.KEPT_HEAD_LIMIT
    )


def test_a_held_cluster_stays_for_its_own_time_and_never_longer_than_a_kept_head() -> None:
    held = Life(Observed.HELD, BEGAN, 4 * HOUR, held_at=BEGAN + HOUR, hold=4 * HOUR)
    assert deadline.earliest_deadline(held, POLICY) == Deadline(BEGAN + 5 * HOUR, DeadlineReason.HOLD_LIMIT)
    assert deadline.earliest_deadline(replace(held, hold=400 * HOUR), POLICY) == Deadline(
        BEGAN + 25 * HOUR, DeadlineReason.HOLD_LIMIT
    )


def test_files_have_time_also_when_the_life_is_over() -> None:
    late = replace(RUNNING, observed=Observed.EXECUTED, executed_at=BEGAN + 96 * HOUR)
    found = deadline.earliest_deadline(late, POLICY)
    assert found == Deadline(BEGAN + 96 * HOUR + deadline.COLLECT_AFTER_STOP, DeadlineReason.COLLECT_LIMIT)
    stopped = replace(RUNNING, observed=Observed.DRAINED, executed_at=BEGAN, stop_requested_at=BEGAN + HOUR)
    assert deadline.earliest_deadline(stopped, POLICY) == Deadline(
        BEGAN + HOUR + deadline.COLLECT_AFTER_STOP, DeadlineReason.COLLECT_LIMIT
    )


def test_extending_a_command_raises_its_walltime() -> None:
    longer = deadline.extended(RUNNING, POLICY, BEGAN + HOUR, by=2 * HOUR)
    assert longer.walltime == 6 * HOUR
    assert deadline.earliest_deadline(longer, POLICY) == Deadline(BEGAN + 7 * HOUR, DeadlineReason.WALLTIME)


def test_extending_a_kept_head_up_to_the_longest_life() -> None:
    longer = deadline.extended(KEPT, POLICY, BEGAN + 3 * HOUR, until=BEGAN + 96 * HOUR)
    found = deadline.earliest_deadline(longer, POLICY)
    assert found is not None
    assert found.at == BEGAN + 96 * HOUR
    with pytest.raises(Refused) as caught:
        deadline.extended(KEPT, POLICY, BEGAN + 3 * HOUR, until=BEGAN + 97 * HOUR)
    assert caught.value.reason == "beyond_policy"


def test_until_may_be_said_again() -> None:
    once = deadline.extended(RUNNING, POLICY, BEGAN + HOUR, until=BEGAN + 9 * HOUR)
    assert deadline.extended(once, POLICY, BEGAN + HOUR, until=BEGAN + 9 * HOUR) == once


@pytest.mark.parametrize(
    ("life", "asked", "reason", "sentence"),
    [
        (RUNNING, {"by": 48 * HOUR}, "beyond_policy", "until 2026-01-03 13:00:00 UTC at the latest"),
        (RUNNING, {"until": BEGAN + 2 * HOUR}, "bad_extension", "To end it earlier, terminate it."),
        (RUNNING, {}, "bad_extension", "how many seconds more, or until when"),
        (RUNNING, {"by": HOUR, "until": BEGAN + 9 * HOUR}, "bad_extension", "either"),
        (RUNNING, {"by": timedelta()}, "bad_extension", "positive"),
        (replace(RUNNING, is_wanted=False), {"by": HOUR}, "nothing_to_extend", "being terminated"),
        (replace(RUNNING, observed=Observed.READY), {"by": HOUR}, "nothing_to_extend", "is not ready yet"),
        (replace(RUNNING, observed=Observed.DRAINED), {"by": HOUR}, "nothing_to_extend", "being stored"),
        (replace(RUNNING, observed=Observed.RELEASED), {"by": HOUR}, "nothing_to_extend", "was terminated"),
        (replace(RUNNING, walltime=HOUR / 2), {"by": HOUR}, "deadline_passed", "has passed"),
    ],
)
def test_what_is_refused_says_why(
    life: Life, asked: dict[str, timedelta], reason: str, sentence: str
) -> None:
    with pytest.raises(Refused) as caught:
        deadline.extended(life, POLICY, BEGAN + 2 * HOUR, **asked)  # type: ignore[arg-type]  # arguments by name
    assert caught.value.reason == reason
    assert sentence in caught.value.message
    assert caught.value.status == (409 if reason in ("nothing_to_extend", "deadline_passed") else 400)


@pytest.mark.parametrize(
    ("minutes_left", "warned", "due"),
    [
        (61, 0, 0),
        (60, 0, 60),
        (59, 60, 0),
        (15, 60, 15),
        (4, 60, 5),  # nobody was there at 15: one warning, the tightest
        (4, 15, 5),
        (4, 5, 0),
        (30, 0, 60),
    ],
)
def test_each_warning_once_and_of_several_the_tightest(minutes_left: int, warned: int, due: int) -> None:
    assert deadline.due_warning(timedelta(minutes=minutes_left), warned) == due


def test_the_next_warnings_moment() -> None:
    assert deadline.until_next_warning(timedelta(minutes=90)) == timedelta(minutes=30)
    assert deadline.until_next_warning(timedelta(minutes=16)) == timedelta(minutes=1)
    assert deadline.until_next_warning(timedelta(minutes=3)) is None


@pytest.mark.parametrize(
    ("seconds", "warned", "given"),
    [
        (15 * 60 + 4, 15, 15),  # 15 minutes were told seconds ago
        (17 * 60, 15, 60),
        (15 * 60 + 4, 60, 60),  # they were not told yet
        (15 * 60 + 4, 0, 60),
        (5 * 60 + 30, 5, 5),
        (4 * 3600, 5, 0),
    ],
)
def test_a_deadline_that_moves_by_seconds_is_not_told_again(seconds: int, warned: int, given: int) -> None:
    assert deadline.given_after_move(timedelta(seconds=seconds), warned) == given


def test_files_of_what_a_budget_ended_have_a_minute_and_until_it_is_used_up() -> None:
    """The budget's limit moves on once only the head node burns it."""
    ended = replace(RUNNING, observed=Observed.DRAINED, executed_at=BEGAN + HOUR)
    for seconds, limit in ((-45, 60), (-3, 60), (200, 260)):
        budget = Deadline(BEGAN + HOUR + timedelta(seconds=seconds), DeadlineReason.BUDGET)
        found = deadline.earliest_deadline(ended, POLICY, [budget])
        assert found == Deadline(BEGAN + HOUR + timedelta(seconds=limit), DeadlineReason.COLLECT_LIMIT)
